"""A soak from beginning to end: warm up, disturb, drain, sweep, look."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from shared.broker.topology import QUEUE_OF_STAGE
from shared.errors import BrokerUnavailable
from tests.conftest import ROOT
from tests.soak.fleet import Footprint
from tests.soak.inspection import inspect, still_held
from tests.soak.post import EVENTS
from tests.soak.scale import Scale
from tests.soak.scene import Scene, opened, stop

Say = Callable[[str], None]
_TELL_SECONDS = 60.0


@dataclass
class Outcome:
    """What became of a soak.

    Attributes:
        disturbed_seconds: how long jobs came in.
        faults: promises that were not kept, one sentence each.
        left_for_the_sweep: what lay there when all jobs had ended, before the last sweep.
        warm, last: what the veterans held once they had worked, and at the end.
        excerpts: log lines about what went wrong.
    """

    scene: Scene
    seconds: float = 0.0
    disturbed_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    left_for_the_sweep: list[str] = field(default_factory=list)
    warm: dict[str, Footprint] = field(default_factory=dict)
    last: dict[str, Footprint] = field(default_factory=dict)
    excerpts: list[str] = field(default_factory=list)


async def soak(scale: Scale, say: Say, keep: Callable[[Path], object]) -> Outcome:
    """Run it; nothing of it is left when this returns.

    Args:
        keep: is shown the log of all services before it goes.
    """
    async with opened(scale) as scene:
        outcome = Outcome(scene)
        began = time.monotonic()
        await _until(lambda: _ready(scene), 120, "all services are ready")
        say(f"{len(scene.fleet.members)} services are ready")
        await _disturb(scene, outcome, say)
        await _drain(scene, say)
        await _sweep(scene, outcome, say)
        outcome.last = _footprints(scene)
        outcome.faults = await inspect(scene, outcome.warm, outcome.last)
        outcome.faults += await asyncio.to_thread(stop, scene)
        outcome.seconds = time.monotonic() - began
        outcome.faults += still_held(scene)
        outcome.excerpts = excerpts(scene, outcome.faults)
        keep(scene.log)
        return outcome


async def _ready(scene: Scene) -> bool:
    return await asyncio.to_thread(lambda: scene.fleet.ready)


async def _disturb(scene: Scene, outcome: Outcome, say: Say) -> None:
    """Jobs come in while the nemesis does its worst. Ctrl-C ends both, and all is checked."""
    scale, began = scene.scale, time.monotonic()
    feeding = asyncio.create_task(
        scene.post.feed(scene.orders(), scale.rate, scale.open_jobs, scale.seconds)
    )
    raging = asyncio.create_task(scene.nemesis.rage())
    telling = asyncio.create_task(_tell(scene, say))
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, feeding.cancel)
    try:
        await asyncio.wait([feeding, raging], timeout=scale.seconds / 6)
        outcome.warm = _footprints(scene)
        await asyncio.wait([feeding, raging], return_when=asyncio.FIRST_COMPLETED)
        if raging.done():
            raging.result()
    finally:
        outcome.disturbed_seconds = time.monotonic() - began
        for task in (feeding, raging, telling):
            task.cancel()
        await asyncio.gather(feeding, raging, telling, return_exceptions=True)


async def _tell(scene: Scene, say: Say) -> None:
    told = time.monotonic()
    while True:
        await asyncio.sleep(1)
        scene.fleet.revive()
        if time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            say(_progress(scene))


def _progress(scene: Scene) -> str:
    runs = sum(len(lot.ledger.runs) for lot in scene.lots)
    still = sum(len(lot.ledger.open) for lot in scene.lots)
    return f"{runs} runs accepted, {still} open, {scene.nemesis.done.total()} faults"


async def _drain(scene: Scene, say: Say) -> None:
    """No more faults, no more jobs: wait for the last ones."""
    await scene.nemesis.make_good()
    say(f"draining: {_progress(scene)}")
    await _until(lambda: _ready(scene), 120, "all services are ready again")
    telling = asyncio.create_task(_tell(scene, say))
    try:
        await _until(lambda: _idle(scene), scene.scale.drain_seconds, "all jobs have ended")
    finally:
        telling.cancel()


async def _idle(scene: Scene) -> bool:
    """Whether every job has ended, and no message is anywhere."""
    if scene.post.open_orders or any(lot.ledger.open for lot in scene.lots):
        return False
    for _ in range(3):
        if await _waiting(scene):
            return False
        await asyncio.sleep(0.5)
    return True


async def _waiting(scene: Scene) -> int:
    """How many messages wait in a queue, the parked ones and updates apart."""
    names = [EVENTS]
    for lane in (lot.ledger.lane for lot in scene.lots):
        names += [lane.queue(stage) for stage in QUEUE_OF_STAGE]
        names += [lane.retry(delay) for delay in lane.retry_delays]
    return sum([await scene.broker.depth(name) for name in names])


async def _sweep(scene: Scene, outcome: Outcome, say: Say) -> None:
    """What a service was writing when it was killed is for the sweep, and for nobody else."""
    outcome.left_for_the_sweep = _left(scene)
    say(f"sweeping: {len(outcome.left_for_the_sweep)} things left")
    for member in scene.fleet.members[:: len(scene.fleet.members) // len(scene.lots)]:
        await asyncio.to_thread(_sweep_now, dict(member.environment))
    await _until(lambda: _swept(scene), 120, "nothing is left")
    await _until(lambda: _idle(scene), 120, "all queues are empty")


def _sweep_now(environment: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "millrace", "sweep", "--json"]
    settings = {**os.environ, **environment, "ORPHAN_GRACE_MINUTES": "0"}
    subprocess.run(argv, env=settings, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


async def _swept(scene: Scene) -> bool:
    return not await asyncio.to_thread(_left, scene)


def _left(scene: Scene) -> list[str]:
    return [
        f"{lot.ledger.lane.prefix}: {name}"
        for lot in scene.lots
        for name in (*lot.places.left(), *lot.places.shop.unfinished())
    ]


def _footprints(scene: Scene) -> dict[str, Footprint]:
    return {one.name: scene.fleet.footprint(one) for one in scene.fleet.veterans()}


def excerpts(scene: Scene, faults: list[str]) -> list[str]:
    """What the log says about the first runs that something is wrong with."""
    names = [fault.partition(": ")[0].rpartition(".")[0] for fault in faults[:5]]
    wanted = [name for name in names if name]
    lines = scene.log.read_text(errors="replace").splitlines()
    return [line for line in lines if any(f'"{name}"' in line for name in wanted)][:200]


async def _until(true: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Return once it is so, or when time is up: the inspection will find what is wrong."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if await true():
                return
        except BrokerUnavailable:
            pass
        await asyncio.sleep(1)
