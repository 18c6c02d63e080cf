"""Pictures of a film: ffmpeg finds the frame, the picture engine makes the files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.process.video import command
from services.process.video.film import Film, Still
from services.process.video.run import run
from services.process.video.tools import Tools
from shared.errors import CorruptMedia
from shared.jobs import Output
from shared.work import Work

_FRAME = "frame.tmp"


async def pictured(tools: Tools, film: Film, still: Still, work: Work) -> tuple[Output, ...]:
    """Make the files of `still` in `work.directory`.

    Raises:
        CorruptMedia: there is no such frame.
        SourceTooLarge, TimeLimit, EngineUnavailable: see `run`, `Pool.call`, `Pictures.render`.
    """
    seconds = await tools.moment(film, still.at, work)
    async with _frame(tools, film, seconds, work) as frame:
        return await tools.pictures.render(frame, still.targets, work)


@asynccontextmanager
async def _frame(tools: Tools, film: Film, seconds: float, work: Work) -> AsyncIterator[Path]:
    """The frame at `seconds` as a file, for as long as the block lasts."""
    frame = work.directory.absolute() / _FRAME
    try:
        await _grab(tools, film, seconds, frame, work)
        yield frame
    finally:
        frame.unlink(missing_ok=True)


async def _grab(tools: Tools, film: Film, seconds: float, frame: Path, work: Work) -> None:
    """Write the frame; the film's first one if ffmpeg finds none at `seconds` in any way."""
    for start, search in ((seconds, True), (seconds, False), (0.0, True)):
        arguments = command.grab(film, start, frame, tools.means, search=search)
        await run(tools.ffmpeg, arguments, tools.grant, work)
        if frame.exists() and frame.stat().st_size:
            return
        frame.unlink(missing_ok=True)
    raise CorruptMedia("The film is damaged: no picture of it can be decoded.")
