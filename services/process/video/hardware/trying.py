"""Trying one way after another, for one passage through one film: no other film is touched by it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.process.video.hardware.device import ALL_ON_CPU, Route
from shared.errors import CorruptMedia, EngineUnavailable, UnsupportedMedia

T = TypeVar("T")

# What a film that a device cannot cope with ends with; a damaged film, too, on each way.
_WORTH_ANOTHER = (CorruptMedia, EngineUnavailable, UnsupportedMedia)


async def first_that_works(
    ways: Sequence[Route],
    attempt: Callable[[Route], Awaitable[T]],
    clear: Callable[[], Awaitable[None]],
) -> tuple[T, Route, tuple[str, ...]]:
    """What the first way gives that works, that way, and why those before it did not.

    Args:
        ways: the last one is all on the CPU; its error is the film's.
        clear: takes back what an attempt left that failed.
    """
    faults: list[str] = []
    for way in ways:
        try:
            return await attempt(way), way, tuple(faults)
        except _WORTH_ANOTHER as error:
            if way == ALL_ON_CPU:
                raise
            faults.append(f"{way.what} failed: {error}")
            await clear()
    raise AssertionError("no way ends on the CPU")
