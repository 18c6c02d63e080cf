"""A storyboard: a sheet of pictures, and WebVTT whose cues are places on it."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.process.video.film import Storyboard
from services.process.video.products.captions import WEBVTT
from services.process.video.stills.shots import Grid
from shared.jobs import Member, Output

if TYPE_CHECKING:
    from services.process.video.tools import Tools
    from shared.work import Work


def cues(board: Storyboard, grid: Grid, seconds: float) -> str:
    """The text; each cue lasts until the next, the last until the film's end."""
    blocks = ["WEBVTT"]
    for number in range(board.count):
        begin = number * board.interval
        end = seconds if number + 1 == board.count else begin + board.interval
        x, y = grid.corner(number)
        place = f"{board.sheet.file}#xywh={x},{y},{grid.width},{grid.height}"
        blocks.append(f"{stamp(begin)} --> {stamp(max(end, begin + 0.001))}\n{place}")
    return "\n\n".join(blocks) + "\n"


def stamp(seconds: float) -> str:
    """A time as WebVTT writes it."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{thousandths:03}"


async def finished(
    tools: "Tools", seconds: float, board: Storyboard, grid: Grid, drawing: Path, work: "Work"
) -> Output:
    """The storyboard whose sheet was drawn as the file `drawing`.

    Args:
        seconds: the film's end.

    Raises:
        SourceTooLarge, TimeLimit, EngineUnavailable: see `Pictures.render`.
    """
    (picture,) = await tools.pictures.render(drawing, (board.sheet,), work)
    text = cues(board, grid, seconds)
    return await _with_cues(tools, board, text, picture, work)


async def _with_cues(
    tools: "Tools", board: Storyboard, text: str, picture: Output, work: "Work"
) -> Output:
    """The set of both files, in a folder of its own: the text names the sheet beside it."""
    folder = work.directory.absolute() / board.name
    folder.mkdir()
    (work.directory / board.sheet.file).rename(folder / board.sheet.file)
    told = folder / "index.vtt"
    with told.open("x") as file:
        file.write(text)
    (piece,) = await tools.digests((told,), work)
    place = work.directory / board.name
    sheet = Member(
        path=work.relative(place / board.sheet.file),
        size=picture.size,
        sha256=picture.sha256,
        media_type=picture.media_type,
    )
    return Output(
        name=board.name,
        ext="vtt",
        path=work.relative(place / told.name),
        size=piece.size,
        sha256=piece.sha256,
        media_type=WEBVTT,
        members=(sheet,),
        width=picture.width,
        height=picture.height,
        engine=picture.engine,
    )
