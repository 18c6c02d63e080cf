"""Running ffmpeg for a job: progress out, errors as ours, and dead when we are done."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.process.child import Bounds
from services.process.video.ffmpeg.ffmpeg import Ffmpeg
from services.process.video.ffmpeg.program import Program
from services.process.video.ffmpeg.progress import Progress, reports
from services.process.video.ffmpeg.verdict import complaints, verdict
from shared.errors import CorruptMedia, TimeLimit
from shared.work import Work

Advance = Callable[[Progress], None]

_TAIL_BYTES = 16 * 1024
_LOGGED_CHARACTERS = 2048
_GAVE_UP = "ffmpeg gave it up"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one run of ffmpeg may take.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of all its threads together.
    """

    bounds: Bounds
    seconds: float
    cpu_seconds: float


def _nothing(_: Progress) -> None:
    return


async def run(
    ffmpeg: Ffmpeg,
    arguments: Sequence[str],
    grant: Grant,
    work: Work,
    advance: Advance = _nothing,
    *,
    salvage: bool = False,
) -> str:
    """Run ffmpeg to its end; give what it complained about, which may be nothing.

    It holds the job's lock meanwhile. When this is cancelled or `advance` raises, it is dead
    before this returns. What it used is counted in `work.spent` in every case. The last of what
    it said goes into the log.

    Args:
        salvage: whether it is no error that ffmpeg itself gave a damaged film up.

    Raises:
        CorruptMedia, SourceTooLarge, WorkspaceFull, EngineUnavailable: see `verdict`.
        TimeLimit: it took longer than granted.
    """
    argv = (str(ffmpeg.path), *arguments)
    running = Program.running(argv, grant.bounds, grant.cpu_seconds, work)
    try:
        async with asyncio.timeout(grant.seconds), running as program:
            said, _ = await asyncio.gather(_tail(program), _follow(program, advance))
            ended = await program.wait()
    except TimeoutError:
        raise TimeLimit(f"Encoding took longer than {grant.seconds:g} seconds.") from None
    said = complaints(said)
    if ended.code == 0:
        if said:
            # Whether the film is refused for it, those decide who know what should be there.
            work.log.info("ffmpeg complained", said=said[-_LOGGED_CHARACTERS:])
        return said
    work.log.warning("ffmpeg failed", code=ended.code, said=said[-_LOGGED_CHARACTERS:])
    error = verdict(ended.code, said)
    if salvage and isinstance(error, CorruptMedia) and ended.code > 0:
        return said or _GAVE_UP
    raise error


async def _follow(program: Program, advance: Advance) -> None:
    async for report in reports(program.output):
        program.measure()
        advance(report)


async def _tail(program: Program) -> str:
    """The last of what it says on its standard error."""
    tail = b""
    while chunk := await program.errors.read(_TAIL_BYTES):
        tail += chunk
        if len(tail) > _TAIL_BYTES:
            tail = tail[-_TAIL_BYTES:].partition(b"\n")[2]  # whole lines alone
    return tail.decode(errors="replace")
