"""The text of a storyboard: WebVTT whose cues are places on a sheet of pictures. Pure."""

from services.process.video.film import Storyboard
from services.process.video.shots import Grid


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
