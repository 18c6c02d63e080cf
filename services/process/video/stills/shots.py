"""Pictures of a film at many times, each found by its key frame. Runs in a child.

A long film is read by jumps: an hour is not decoded for a hundred pictures of it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.process.video.film import Film
from services.process.video.source.probe import opened, picture_stream, pictures
from services.process.video.stills.cursor import Cursor
from services.process.video.stills.moment import clock
from services.process.video.stills.seeking import start_of
from shared.errors import CorruptMedia

if TYPE_CHECKING:
    import av.container
    from av import VideoFrame


@dataclass(frozen=True, slots=True)
class Grid:
    """Where pictures of one size lie on a sheet, row by row.

    Attributes:
        count: how many there are.
        width, height: of each, in pixels.
    """

    count: int
    width: int
    height: int

    @property
    def columns(self) -> int:
        """As many as rows, or one more."""
        return next(side for side in range(1, self.count + 1) if side * side >= self.count)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        rows = -(-self.count // self.columns)
        return self.columns * self.width, rows * self.height

    def corner(self, number: int) -> tuple[int, int]:
        """Where picture `number` has its upper left corner."""
        row, column = divmod(number, self.columns)
        return column * self.width, row * self.height


def shots(
    film: Film, times: Sequence[float], slack: float, size: tuple[int, int], files: Sequence[Path]
) -> tuple[float, ...]:
    """Write the pictures at `times` (seconds, rising) as PNG files of that size.

    Gives the times at which those begin that were found, which tell of a film that breaks off.

    Args:
        slack: how many seconds a key frame may be too early to stand for a picture; with 0 the
            film is decoded, for it is short.

    Raises:
        CorruptMedia: no picture of the film can be decoded.
    """
    begins = []
    for (found, begin), file in zip(_found(film, times, slack), files, strict=True):
        _upright(found, size).save(file, "PNG", compress_level=1)
        begins.append(begin)
    return tuple(begins)


def begins(film: Film, times: Sequence[float], slack: float) -> tuple[float, ...]:
    """What `shots` gives, without writing the pictures; see there."""
    return tuple(begin for _, begin in _found(film, times, slack))


def sheet(files: Sequence[Path], grid: Grid, target: Path) -> None:
    """Lay the pictures `files` onto one, written as PNG; they are gone afterwards."""
    from PIL import Image

    whole = Image.new("RGB", grid.size)
    for number, file in enumerate(files):
        with Image.open(file) as picture:
            whole.paste(picture.convert("RGB"), grid.corner(number))
        file.unlink()
    whole.save(target, "PNG", compress_level=1)


def _found(
    film: Film, times: Sequence[float], slack: float
) -> "Iterator[tuple[VideoFrame, float]]":
    """Each picture, and when it begins, in seconds from the film's start."""
    with opened(film.path, film.container) as media:
        begun = start_of(media)
        wanted = [begun + time for time in times]
        for found in _near(film, media, wanted, slack) if slack else _in_order(media, wanted):
            if found is None:
                raise CorruptMedia("The film is damaged: no picture of it can be decoded.")
            yield found, clock(found) - begun


def _near(
    film: Film, media: "av.container.InputContainer", times: Sequence[float], slack: float
) -> "Iterator[VideoFrame | None]":
    """Each picture, or a key frame that is near enough."""
    with opened(film.path, film.container) as scout:
        cursor = Cursor(media, scout)
        for time in times:
            cursor.go(time, slack)
            yield cursor.shown


def _in_order(
    media: "av.container.InputContainer", times: Sequence[float]
) -> "Iterator[VideoFrame | None]":
    """Each picture, from one decoding of the film."""
    shown, todo = None, deque(times)
    for frame in pictures(media, picture_stream(media)):
        while todo and shown is not None and clock(frame) > todo[0]:
            yield shown
            todo.popleft()
        if not todo:
            return
        shown = frame
    yield from (shown for _ in todo)


def _upright(frame: "VideoFrame", size: tuple[int, int]) -> Any:
    """The picture as people see it, at that size."""
    turns = round(frame.rotation / 90) % 4
    width, height = size if turns % 2 == 0 else size[::-1]
    picture: Any = frame.reformat(width, height, "rgb24", interpolation="LANCZOS").to_image()  # type: ignore[no-untyped-call]
    return picture.rotate(90 * turns, expand=True) if turns else picture
