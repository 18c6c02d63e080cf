"""Pictures of the operator's that are laid over outputs; always read with Pillow."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.process.image.engine import Pixels
from services.process.image.geometry import Size
from services.process.image.look import Watermark
from shared.errors import InvalidJob

if TYPE_CHECKING:
    from PIL import Image

EXTENSIONS = ("png", "webp", "jpg")


def file_of(watermark: Watermark, directory: Path | None) -> Path:
    """The file of that watermark in `WATERMARKS_DIR`.

    Raises:
        InvalidJob: there is none of that name.
    """
    if directory is None:
        raise InvalidJob("watermark: WATERMARKS_DIR is not set, so there are no watermarks")
    for extension in EXTENSIONS:
        file = directory / f"{watermark.image}.{extension}"
        if file.is_file():
            return file
    raise InvalidJob(f"watermark: image: there is no '{watermark.image}' in WATERMARKS_DIR")


def check(watermark: Watermark, directory: Path | None) -> None:
    """Return if it is there and can be read.

    Raises:
        InvalidJob: there is none of that name, or it cannot be read.
    """
    _read(file_of(watermark, directory))


def mark(watermark: Watermark, directory: Path | None, canvas: Size) -> tuple[Pixels, Size]:
    """The watermark as it lies on an output of `canvas` pixels, and its left and top there.

    Raises:
        InvalidJob: there is none of that name, or it cannot be read.
    """
    pixels = _scaled(file_of(watermark, directory), watermark.opacity, *_room(watermark, canvas))
    return pixels, _corner(watermark, canvas, (pixels.width, pixels.height))


def _room(watermark: Watermark, canvas: Size) -> Size:
    """The box that the watermark fits in: its share of the width, and the output's height."""
    margin = 2 * round(watermark.margin * min(canvas))
    wanted = round(watermark.scale * canvas[0])
    return max(1, min(wanted, canvas[0] - margin)), max(1, canvas[1] - margin)


def _corner(watermark: Watermark, canvas: Size, size: Size) -> Size:
    margin = round(watermark.margin * min(canvas))
    across, down = (
        _begin(watermark.position, words, margin, side, extent)
        for words, side, extent in (
            (("left", "right"), canvas[0], size[0]),
            (("top", "bottom"), canvas[1], size[1]),
        )
    )
    return across, down


def _begin(position: str, words: tuple[str, str], margin: int, side: int, extent: int) -> int:
    first, last = words
    if first in position.split("-"):
        return min(margin, side - extent)
    if last in position.split("-"):
        return max(0, side - extent - margin)
    return (side - extent) // 2


def _scaled(file: Path, opacity: float, width: int, height: int) -> Pixels:
    from PIL import Image

    image = _read(file)
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = image.resize(size, Image.Resampling.LANCZOS)
    small.putalpha(small.getchannel("A").point(lambda alpha: round(alpha * opacity)))
    return Pixels(*small.size, small.tobytes())


def _read(file: Path) -> "Image.Image":
    from PIL import Image

    try:
        with Image.open(file) as opened:
            return opened.convert("RGBA")
    except (OSError, ValueError) as error:
        raise InvalidJob(f"watermark: image: {file.name} cannot be read: {error}") from None
