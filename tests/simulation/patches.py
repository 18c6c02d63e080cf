"""Clocks, names and random numbers of the simulated processes."""

import itertools
import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import structlog

import services.cleanup.sweep
import shared.consumer
import shared.supervisor
import shared.workspace.closing
import shared.workspace.held
import shared.workspace.workspace
from shared.running import Running
from shared.work import Spent
from tests.simulation.virtual import BEGINNING
from tests.simulation.world import World

# Looking for the latest of a thousand runs takes a simulated disk too long.
RUNS = 4
# Ten services that look every second, for hours, would do little else.
LOOK_SECONDS = 4.0
CALM_LOOK_SECONDS = 40.0


class Silent:
    """A log that nobody reads."""

    def __getattr__(self, _: str) -> Any:
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


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

    replaced = (
        (time, "time", wall_clock),
        (time, "monotonic", steady_clock),
        (secrets, "token_hex", lambda count: f"{next(numbers):0{2 * count}x}"),
        (uuid, "uuid4", lambda: uuid.UUID(int=next(numbers))),
        (shared.consumer, "Running", Numbered),
        (structlog, "get_logger", lambda: SILENT),
        (shared.workspace.held, "Spent", spent),
        (shared.workspace.closing, "Spent", spent),
        (shared.workspace.workspace, "MAX_RUNS", RUNS),
        (shared.supervisor, "LOOK_SECONDS", LOOK_SECONDS),
        (services.cleanup.sweep, "log", SILENT),
    )
    with ExitStack() as stack:
        for target, name, value in replaced:
            stack.enter_context(patch.object(target, name, value))
        yield


def look_rarely() -> None:
    """For the rest of this simulation, in which there is little to see."""
    shared.supervisor.LOOK_SECONDS = CALM_LOOK_SECONDS
