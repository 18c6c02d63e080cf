"""Clocks, names and random numbers of the simulated processes."""

import asyncio
import itertools
import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

import services.cleanup.sweep
import shared.consumer
import shared.outlet
import shared.supervisor
import shared.workspace.closing
import shared.workspace.held
import shared.workspace.volume
from shared.running import Running
from shared.work import Spent
from tests.simulation.virtual import BEGINNING
from tests.simulation.world import World

# Looking for the latest of a thousand runs takes a simulated disk too long.
RUNS = 4
# Ten services that look every second, for hours, would do little else.
LOOK_SECONDS = 4.0
CALM_LOOK_SECONDS = 40.0
IDLE_LOOK_SECONDS = 3600.0


class Silent:
    """A log that nobody reads."""

    def bind(self, **_: Any) -> "Silent":
        return self

    def ignore(self, _: str, **__: Any) -> None:
        """Say nothing."""

    debug = info = warning = error = exception = ignore


SILENT = Silent()


@contextmanager
def simulated(world: World) -> Iterator[None]:
    """Let everything of Millrace live in `world`."""
    numbers = itertools.count(1)

    def wall_clock() -> float:
        process = world.scheduler.current
        return world.now + (process.skew_seconds if process else 0)

    def steady_clock() -> float:
        return world.now - BEGINNING

    class Numbered(Running):
        """In the same order in every replay, and by the simulated clock."""

        def __init__(self, *of: Any) -> None:
            super().__init__(*of)
            self.received = steady_clock()
            self.number = next(numbers)

        def __hash__(self) -> int:
            return self.number

    def spent() -> Spent:
        return Spent(started=steady_clock())

    replaced: tuple[tuple[Any, str, Any], ...] = (
        (time, "time", wall_clock),
        (time, "monotonic", steady_clock),
        (secrets, "token_hex", lambda count: f"{next(numbers):0{2 * count}x}"),
        # The list of all tasks of all loops, which nobody asks for and which takes time to keep.
        (asyncio.tasks._all_tasks, "add", lambda _: None),  # type: ignore[attr-defined]
        (uuid, "uuid4", lambda: uuid.UUID(int=next(numbers))),
        (shared.consumer, "Running", Numbered),
        (structlog, "get_logger", lambda: SILENT),
        (shared.workspace.held, "Spent", spent),
        (shared.workspace.closing, "Spent", spent),
        (shared.workspace.volume, "MAX_RUNS", RUNS),
        (shared.supervisor, "LOOK_SECONDS", LOOK_SECONDS),
        (services.cleanup.sweep, "log", SILENT),
        (shared.outlet, "_log", SILENT),
    )
    before = [getattr(target, name) for target, name, _ in replaced]
    try:
        for target, name, value in replaced:
            setattr(target, name, value)
        yield
    finally:
        for (target, name, _), value in zip(replaced, before, strict=True):
            setattr(target, name, value)


def look_every(seconds: float) -> None:
    """How often services look after what they work on, in the rest of this simulation."""
    shared.supervisor.LOOK_SECONDS = seconds
