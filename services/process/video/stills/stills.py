"""Pictures of a film: found by key frames, made into files by the picture engine."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from services.process.image.geometry import stand_in
from services.process.image.operations.picture import Picture
from services.process.video.ffmpeg import command
from services.process.video.ffmpeg.branch import Window
from services.process.video.ffmpeg.progress import Progress
from services.process.video.ffmpeg.run import run
from services.process.video.film import Film, Series, Snap, Still, Storyboard
from services.process.video.source.whole import check_whole, lacking, tolerated, witness
from services.process.video.stills.counted import counted
from services.process.video.stills.shots import Grid
from services.process.video.stills.storyboard import finished
from services.process.video.tools import Tools
from shared.errors import CorruptMedia
from shared.jobs import Output
from shared.together import together
from shared.work import Work

_FRAME = "frame.tmp"
_SHORT_SECONDS = 60.0  # shorter films are decoded for their pictures where that is nearer
_SLACK_SECONDS = 10.0  # between a key frame and the picture that it stands for


Made = Callable[[float], None]
"""Hears what share of a snap's pictures is made, from 0 to 1."""


async def pictured(
    tools: Tools, film: Film, snap: Snap, work: Work, made: Made
) -> tuple[Output, ...]:
    """Make the files of `snap` in `work.directory`.

    Raises:
        CorruptMedia: there is no such frame, or the film breaks off before it.
        SourceTooLarge, TimeLimit, EngineUnavailable: see `run`, `Pool.call`, `Pictures.render`.
    """
    if isinstance(snap, Series):
        return await _series(tools, film, snap, work, made)
    if isinstance(snap, Storyboard):
        return await _storyboard(tools, film, snap, work, made)
    return await _still(tools, film, snap, work)


async def _still(tools: Tools, film: Film, still: Still, work: Work) -> tuple[Output, ...]:
    seconds = await tools.moment(film, still.at, work)
    async with _frame(tools, film, seconds, _needed(film, still.recipes), work) as frame:
        return await tools.pictures.apply(frame, still.recipes, work)


async def _series(
    tools: Tools, film: Film, series: Series, work: Work, made: Made
) -> tuple[Output, ...]:
    size = _needed(film, [recipe for recipes in series.recipes for recipe in recipes])
    frames, missing = await _frames(tools, film, series, size, work, made)
    files = await together(
        tools.pictures.apply(frame, recipes, work)
        for frame, recipes in zip(frames, series.recipes, strict=False)
    )
    for frame in frames:
        frame.unlink()
    return lacking(missing, (output for outputs in files for output in outputs))


async def _storyboard(
    tools: Tools, film: Film, board: Storyboard, work: Work, made: Made
) -> tuple[Output, ...]:
    frames, missing = await _frames(tools, film, board, (board.width, board.height), work, made)
    board = replace(board, count=len(frames))
    grid = Grid(board.count, board.width, board.height)
    whole = work.directory.absolute() / _FRAME
    await tools.sheet(frames, grid, whole, work)
    seconds = film.duration_seconds - (missing or 0.0)
    output = await finished(tools, seconds, board, grid, whole, work)
    whole.unlink()
    return lacking(missing, (output,))


async def _frames(
    tools: Tools,
    film: Film,
    snap: Series | Storyboard,
    size: tuple[int, int],
    work: Work,
    made: Made,
) -> tuple[list[Path], float | None]:
    """Files with the pictures of `snap`, and how many seconds of the film are missing.

    Of a film that breaks off, they are those alone that come before that.
    """
    directory = work.directory.absolute()
    files = [directory / f"frame-{number}.tmp" for number in range(len(snap.times))]
    async with counted(files, made):
        missing = await _find(tools, film, snap, files, size, work)
    if missing is None:
        return files, None
    count = max(1, sum(time < film.picture_seconds - missing for time in snap.times))
    for file in files[count:]:
        file.unlink()
    return files[:count], missing


async def _find(
    tools: Tools,
    film: Film,
    snap: Series | Storyboard,
    files: list[Path],
    size: tuple[int, int],
    work: Work,
) -> float | None:
    """Write the files; gives how many seconds of the film are missing."""
    times = snap.times
    slack = _SLACK_SECONDS if film.picture_seconds > _SHORT_SECONDS else 0.0
    toned = film.transfer is not None and tools.means.tone_mapping
    if toned:
        begins = await tools.begins(film, times, slack, work)
    else:
        begins = await tools.shots(film, times, slack, size, files, work)
    late = max(slack, tolerated(film.picture_seconds))
    stuck = next((b for time, b in zip(times, begins, strict=True) if time - b > late), None)
    missing = None if stuck is None else await _missing(tools, film, stuck, snap.salvage, work)
    if toned:
        # Only the program can turn HDR into SDR; one of its runs for each picture.
        for begin, file in zip(begins, files, strict=True):
            await _grab(tools, film, begin, file, work, size)
    return missing


async def _missing(
    tools: Tools, film: Film, seconds: float, salvage: bool, work: Work
) -> float | None:
    """See `check_whole`, of a film whose pictures may end at `seconds`, or show one for long."""
    assert film.video_stream is not None
    rest = [witness(film.video_stream, "null")]
    window = Window(seconds, lead=await tools.lead(film, seconds, work))
    arguments = command.encode(film, rest, tools.means, window)
    end = seconds

    def follow(progress: Progress) -> None:
        nonlocal end
        end = seconds + progress.seconds

    said = await run(tools.ffmpeg, arguments, tools.grant, work, follow, salvage=salvage)
    return check_whole(said or film.flaw, end, film.picture_seconds, salvage=salvage)


def _needed(film: Film, recipes: Sequence[Picture]) -> tuple[int, int]:
    """Width and height of the picture that all is made of: no larger than what that calls for."""
    if any(recipe.needs_whole for recipe in recipes):
        return film.width, film.height
    wishes = [wish for recipe in recipes for wish in recipe.wishes()]
    return stand_in(film.width, film.height, wishes)


@asynccontextmanager
async def _frame(
    tools: Tools, film: Film, seconds: float, size: tuple[int, int], work: Work
) -> AsyncIterator[Path]:
    """The frame at `seconds` as a file, for as long as the block lasts."""
    frame = work.directory.absolute() / _FRAME
    try:
        await _grab(tools, film, seconds, frame, work, size)
        yield frame
    finally:
        frame.unlink(missing_ok=True)


async def _grab(
    tools: Tools, film: Film, seconds: float, frame: Path, work: Work, size: tuple[int, int]
) -> None:
    """Write the frame; the film's first one if ffmpeg finds none at `seconds` in any way."""
    lead = await tools.lead(film, seconds, work)
    for start, search in ((seconds, True), (seconds, False), (0.0, True)):
        arguments = command.grab(film, start, frame, tools.means, size, lead=lead, search=search)
        await run(tools.ffmpeg, arguments, tools.grant, work)
        if frame.exists() and frame.stat().st_size:
            return
        frame.unlink(missing_ok=True)
    raise CorruptMedia("The film is damaged: no picture of it can be decoded.")
