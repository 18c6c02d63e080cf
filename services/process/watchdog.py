"""Whether processes stand still: alive, but at no work that could ever end."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shared.errors import EngineUnavailable

_LOOKS = 10
# Of one core: programs that wait for themselves still wake up to tell how far they are.
_LEAST_SHARE = 0.01
# Runs or would, waits for a disk, was stopped by somebody who may let it go on.
_NOT_IDLE = frozenset("RDTt")
_PROC = Path("/proc")
# What ends meanwhile is told in part, or with fields that are missing.
_NOT_TOLD = (OSError, ValueError, IndexError)


@dataclass(frozen=True, slots=True)
class Signs:
    """What a group of processes shows of being at work.

    Attributes:
        idle: whether all threads sleep.
        cpu_seconds: that they used in all, with what those had used that have ended.
        read_bytes: from files and pipes in all.
    """

    idle: bool
    cpu_seconds: float
    read_bytes: int

    def stood_still(self, before: "Signs", seconds: float) -> bool:
        """Whether nothing happened in the seconds since `before`.

        What is written does not count: ffmpeg tells that it is nowhere further, for ever.
        """
        used = abs(self.cpu_seconds - before.cpu_seconds)  # less, where one has ended
        return (
            self.idle
            and before.idle
            and used < _LEAST_SHARE * seconds
            and self.read_bytes == before.read_bytes
        )


@asynccontextmanager
async def watched(group: int, seconds: float, what: str) -> AsyncIterator[None]:
    """End the block where a group of processes stands still for so long, or a little longer.

    The time counts in looks, so none passes while this process is stopped as well, or its machine.
    Where there is no /proc, nothing is watched.

    Raises:
        EngineUnavailable: `what` stood still. Whoever started it has to kill it.
    """
    patience = asyncio.timeout(None)
    try:
        async with patience:
            looking = asyncio.create_task(_until_still(group, seconds, patience))
            try:
                yield
            finally:
                looking.cancel()
    except TimeoutError:
        if not patience.expired():
            raise
        raise EngineUnavailable(
            f"{what} stood still for {seconds:g} seconds (PROCESS_STALL_SECONDS)."
        ) from None


async def _until_still(group: int, seconds: float, patience: asyncio.Timeout) -> None:
    pause = seconds / _LOOKS
    before, still = None, 0
    while still < _LOOKS:
        now = await asyncio.to_thread(_look, group)
        still = still + 1 if now and before and now.stood_still(before, pause) else 0
        before = now
        await asyncio.sleep(pause)
    patience.reschedule(asyncio.get_running_loop().time())


def _look(group: int) -> Signs | None:
    """See `signs`; None where looking fails in a way that nobody foresaw, which is logged."""
    try:
        return signs(group)
    except Exception as error:
        import structlog  # children import this module, and do not look

        # Somebody has to go on watching.
        structlog.get_logger().error("watchdog", error=repr(error))
        return None


def signs(group: int) -> Signs | None:
    """What the processes of that group show now; None where there are none, or no /proc."""
    members = tuple(_members(group))
    if not members:
        return None
    return Signs(
        idle=not any(_states(member) & _NOT_IDLE for member, _ in members),
        cpu_seconds=sum(_cpu_seconds(stat) for _, stat in members),
        read_bytes=sum(_read_bytes(member) for member, _ in members),
    )


def _members(group: int) -> Iterator[tuple[Path, list[str]]]:
    for process in _PROC.glob("[0-9]*"):
        # One that ends meanwhile is none.
        with suppress(*_NOT_TOLD):
            stat = _stat(process)
            if int(stat[2]) == group:
                yield process, stat


def _stat(thread: Path) -> list[str]:
    """Its state, parent, group …: proc(5), from the third field on, behind the name."""
    return (thread / "stat").read_text().rpartition(")")[2].split()


def _cpu_seconds(stat: list[str]) -> float:
    """User and system time, its own and that of its children which have ended."""
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")


def _states(process: Path) -> set[str]:
    states = set()
    with suppress(OSError):
        for thread in (process / "task").iterdir():
            with suppress(*_NOT_TOLD):
                states.add(_stat(thread)[0])
    return states


def _read_bytes(process: Path) -> int:
    """What it read, from the system's cache as well; 0 where that may not be asked or is not told."""
    with suppress(*_NOT_TOLD):
        told = (process / "io").read_text().split()
        return int(told[told.index("rchar:") + 1])
    return 0
