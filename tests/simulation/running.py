"""One seed: a world goes wrong for a while, comes to rest, and is judged."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from traceback import format_exc

from services.cleanup.sweep import LEAST_HOURS
from shared.workspace import Workspace
from tests.simulation.nemesis import Town
from tests.simulation.patches import CALM_LOOK_SECONDS, IDLE_LOOK_SECONDS, look_every, simulated
from tests.simulation.promises import GRACE_SECONDS, TTL_SECONDS
from tests.simulation.virtual import Endless
from tests.simulation.volume import MemoryFiles
from tests.simulation.world import ROOT, World


@dataclass(frozen=True)
class Outcome:
    """What one seed came to.

    Attributes:
        broken: a sentence for each promise that was not kept.
        trace: what happened, where that was asked for; the same whenever the same seed runs.
        counts: how often each fault and each ending occurred.
    """

    seed: int
    broken: list[str]
    counts: Counter[str]
    trace: list[str] = field(default_factory=list)


def run(seed: int, *, trace: bool = False) -> Outcome:
    """Simulate one seed."""
    world = World(seed, trace=trace)
    with simulated(world):
        try:
            Workspace(Path(ROOT), MemoryFiles(world.volume)).open()
            _live(world)
        except Endless as error:
            world.promises.breaks(str(error))
        except Exception:
            world.promises.breaks(f"the simulation itself failed: {format_exc()}")
        finally:
            world.end()
    counts = world.faults.counts + world.promises.endings
    counts["runs"] = len(world.promises.accepted)
    broken = world.promises.broken
    return Outcome(seed, broken, counts, world.trace or [])


def _live(world: World) -> None:
    town = Town(world)
    users, nemesis = world.process("users"), world.process("nemesis")
    chaos = world.random.choice((20, 60, 150))
    users.start(town.submit())
    nemesis.start(town.harm(chaos))
    world.scheduler.run(lambda: False, chaos)
    _calm(world, town)
    _after(world, town)
    world.promises.check_at_the_end()
    for name, service in town.services.items():
        if fault := service.consumer.fault():
            world.promises.breaks(f"{name} at the end: {fault}")
    _forget(world, town)


def _calm(world: World, town: Town) -> None:
    """Nothing goes wrong any more, and everything comes to its end."""
    world.faults.calm = True
    look_every(CALM_LOOK_SECONDS)
    world.full = False
    for service in [*town.services.values()]:
        service.line.mend()
    _rest(world, town, 3 * TTL_SECONDS)
    for run in sorted(world.promises.accepted - world.promises.ended.keys()):
        world.promises.breaks(f"{run} has not ended, and no message is left of it")


def _after(world: World, town: Town) -> None:
    """Parked jobs are run again; duplicates come long after the end; the sweep looks once more."""
    if world.random.random() < 0.5:
        while town.redrive():
            world.faults.saw("redrive")
        _rest(world, town, 3 * TTL_SECONDS)
    _idle(world)
    for _ in range(world.random.choice((0, 1, 3))):
        town.duplicate()
    _rest(world, town, 3 * TTL_SECONDS)
    world.scheduler.run(lambda: world.promises.landing == 0, 300)
    world.scheduler.run(lambda: False, 2 * GRACE_SECONDS)
    _sweep(world, town)


def _idle(world: World) -> None:
    """Sometimes hours go by in which nothing happens: less than a receipt's life."""
    if world.random.random() < 0.2:
        look_every(IDLE_LOOK_SECONDS)
        world.scheduler.run(lambda: False, world.random.random() * LEAST_HOURS * 3600)
        look_every(CALM_LOOK_SECONDS)


def _sweep(world: World, town: Town) -> None:
    sweep = town.sweep()
    world.scheduler.run(lambda: not sweep.alive, TTL_SECONDS)
    _rest(world, town, 3 * TTL_SECONDS)


def _rest(world: World, town: Town, seconds: float) -> None:
    world.scheduler.run(lambda: False, 1)
    if not world.scheduler.run(lambda: world.resting and not town.busy, seconds):
        world.promises.breaks(f"the world does not come to rest in {seconds:g} seconds")


def _forget(world: World, town: Town) -> None:
    """Long after, when no message of these jobs can be anywhere, not even receipts are left."""
    if world.random.random() > 0.1:
        return
    for service in town.services.values():
        service.process.at_death.clear()
        service.process.kill()
    world.scheduler.run(lambda: False, 2 * LEAST_HOURS * 3600 + GRACE_SECONDS)
    sweep = town.sweep()
    world.scheduler.run(lambda: not sweep.alive, TTL_SECONDS)
    world.promises.check_forgotten()
