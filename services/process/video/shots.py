"""Pictures of a film at many times, each found by its key frame. Runs in a child.

Reading is by jumps: an hour is not decoded for a hundred pictures of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.process.video.film import Film
from services.process.video.moment import clock, go_to, shown_at, start_of
from services.process.video.probe import opened, picture_stream, pictures
from shared.errors import CorruptMedia

if TYPE_CHECKING:
    import av.container
    from av import VideoFrame
    from av.video.stream import VideoStream


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
) -> None:
    """Write the pictures at `times` (seconds, rising) as PNG files of that size.

    Args:
        slack: how many seconds a key frame may be too early to stand for a picture.

    Raises:
        CorruptMedia: no picture of the film can be decoded.
    """
    found = None
    with opened(film.path, film.container) as media:
        video = picture_stream(media)
        for time, file in zip(times, files, strict=True):
            found = _near(media, video, start_of(media) + time, slack) or found
            if found is None:
                raise CorruptMedia("The film is damaged: no picture of it can be decoded.")
            _upright(found, size).save(file, "PNG", compress_level=1)


def sheet(files: Sequence[Path], grid: Grid, target: Path) -> None:
    """Lay the pictures `files` onto one, written as PNG; they are gone afterwards."""
    from PIL import Image

    whole = Image.new("RGB", grid.size)
    for number, file in enumerate(files):
        with Image.open(file) as picture:
            whole.paste(picture.convert("RGB"), grid.corner(number))
        file.unlink()
    whole.save(target, "PNG", compress_level=1)


def _near(
    media: "av.container.InputContainer", video: "VideoStream", time: float, slack: float
) -> "VideoFrame | None":
    go_to(media, time)
    key = next(pictures(media, video), None)
    if key is not None and abs(time - clock(key)) <= slack:
        return key
    return shown_at(media, video, time) or key


def _upright(frame: "VideoFrame", size: tuple[int, int]) -> Any:
    """The picture as people see it, at that size."""
    turns = round(frame.rotation / 90) % 4
    width, height = size if turns % 2 == 0 else size[::-1]
    picture: Any = frame.reformat(width, height, "rgb24").to_image()  # type: ignore[no-untyped-call]
    return picture.rotate(90 * turns, expand=True) if turns else picture
