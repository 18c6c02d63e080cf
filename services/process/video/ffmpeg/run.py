"""Running ffmpeg for a job: progress out, errors as ours, and dead when we are done."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.process.child import Bounds
from services.process.video.ffmpeg.ffmpeg import Ffmpeg
from services.process.video.ffmpeg.program import Program
from services.process.video.ffmpeg.progress import Progress, reports
from services.process.video.ffmpeg.verdict import complaints, verdict
from services.process.watchdog import watched
from shared.errors import CorruptMedia, EngineUnavailable, TimeLimit
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
    it said goes into the log, also of one that had to be killed.

    Args:
        salvage: whether it is no error that ffmpeg itself gave a damaged film up.

    Raises:
        CorruptMedia, SourceTooLarge, WorkspaceFull: see `verdict`.
        EngineUnavailable: the same; or it stood still, or could not be started.
        TimeLimit: it took longer than granted.
    """
    argv = (str(ffmpeg.path), *arguments)
    tail = _Tail()
    async with Program.running(argv, grant.bounds, grant.cpu_seconds, work) as program:
        try:
            async with (
                asyncio.timeout(grant.seconds),
                watched(program.pid, grant.bounds.stall_seconds, "ffmpeg"),
            ):
                await asyncio.gather(tail.follow(program), _follow(program, advance))
                ended = await program.wait()
        except (TimeoutError, EngineUnavailable) as cause:
            raise _given_up(cause, grant, tail, work) from None
    said = complaints(tail.text)
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


class _Tail:
    """The last of what a program says on its standard error."""

    def __init__(self) -> None:
        self._bytes = b""

    @property
    def text(self) -> str:
        return self._bytes.decode(errors="replace")

    async def follow(self, program: Program) -> None:
        while chunk := await program.errors.read(_TAIL_BYTES):
            self._bytes += chunk
            if len(self._bytes) > _TAIL_BYTES:
                self._bytes = self._bytes[-_TAIL_BYTES:].partition(b"\n")[2]  # whole lines alone


def _given_up(cause: Exception, grant: Grant, tail: _Tail, work: Work) -> Exception:
    """The error for an ffmpeg that was not waited for any longer; its last words are logged."""
    late = isinstance(cause, TimeoutError)
    error = TimeLimit(f"Encoding took longer than {grant.seconds:g} seconds.") if late else cause
    said = complaints(tail.text)[-_LOGGED_CHARACTERS:]
    work.log.warning("ffmpeg was given up", reason=str(error), said=said)
    return error
