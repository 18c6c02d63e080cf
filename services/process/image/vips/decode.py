"""From a file to pixels with libvips: no more of them than are needed, and not before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyvips

from services.process.image.engine import Limits
from services.process.image.geometry import GAP, Placement, largest_frame
from services.process.image.source.animation import has_picture_apart
from services.process.image.source.progressive import SHRINK, coarse
from services.process.image.source.svg import SVG_SIDE_PIXELS, is_svg
from services.process.image.source.tiff import is_tiff
from services.process.image.vips.codecs import LOADERS
from services.process.image.vips.layers import Layer
from shared.errors import CorruptMedia, UnsupportedMedia

_READING = {"access": "sequential", "fail_on": "error"}
_HEAD_BYTES = 4096  # the boxes that describe a picture stand at the beginning


@contextmanager
def blaming_the_file() -> Iterator[None]:
    """Raise `CorruptMedia` for what libvips says while pixels are computed: it decodes then."""
    try:
        yield
    except pyvips.Error as error:
        raise CorruptMedia(f"The picture is damaged: {_reason(error)}") from None


def _reason(error: pyvips.Error) -> str:
    return str(error.detail).strip().splitlines()[-1] if error.detail else error.message


def opened(source: Path, limits: Limits) -> pyvips.Image:
    """The picture with only its header read.

    Raises:
        UnsupportedMedia: not a picture, or in a format or of a kind that is left to Pillow.
        CorruptMedia: damaged.
        SourceTooLarge: see `Limits.check`.
    """
    try:
        image = _drawn(source) if limits.svg and is_svg(source) else _load(source)
    except pyvips.Error as error:
        if "not a known file format" in str(error) or is_tiff(source):
            raise UnsupportedMedia(
                f"The file is no picture in a known format ({', '.join(LOADERS)})."
            ) from None
        raise CorruptMedia(f"The picture is damaged: {_reason(error)}") from None
    if image.get_typeof("heif-compression") and image.get("heif-compression") != "av1":
        raise UnsupportedMedia("The file is a HEIF picture in another format than AVIF.")
    if image.get_typeof("heif-compression") and _turned_by_container(source):
        raise UnsupportedMedia("libheif shifts the colours of AVIF pictures that it turns.")
    if image.get("vips-loader") == "tiffload" and not _is_deep_grey(image):
        raise UnsupportedMedia("TIFF is left to Pillow, but for what that cannot read.")
    if has_picture_apart(source):
        raise UnsupportedMedia("libvips shows what an animated PNG has for old viewers.")
    limits.check(image.width, image.height)
    return image


def _turned_by_container(source: Path) -> bool:
    """Whether a picture is to be turned or mirrored, told by its container and not by EXIF.

    At odd sizes libheif mirrors the colours, which have half the resolution, to a place one row
    off: some 10 points of SSIMULACRA2.
    """
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return b"irot" in head or b"imir" in head


def _is_deep_grey(image: pyvips.Image) -> bool:
    """Whether it is grey of 16 bits, which Pillow knows neither with alpha nor with 0 for white."""
    return bool(image.interpretation == "grey16" and image.format == "ushort")


def _drawn(source: Path) -> pyvips.Image:
    """An SVG drawing. Without a file name it has no place from which it could load anything."""
    data = source.read_bytes()
    own = pyvips.Image.svgload_buffer(data)
    scale = SVG_SIDE_PIXELS / max(own.width, own.height)
    return pyvips.Image.svgload_buffer(data, scale=scale, **_READING)


def _load(source: Path, **options: Any) -> pyvips.Image:
    return pyvips.Image.new_from_file(str(source), **_READING, **options)


def shrunk_by_decoder(image: pyvips.Image, source: Path, placements: Sequence[Placement]) -> Layer:
    """No more pixels than the largest placement needs, where the decoder can shrink."""
    if image.get("vips-loader") != "jpegload":
        return Layer.of(image)
    widest, highest = largest_frame(placements)
    room = min(image.width / (widest * GAP), image.height / (highest * GAP))
    shrink = next((factor for factor in (8, 4, 2) if factor <= room), 1)
    if shrink == 1:
        return Layer.of(image)
    return Layer(_shrunk(source, shrink), (image.width / shrink, image.height / shrink))


def _shrunk(source: Path, shrink: int) -> pyvips.Image:
    if shrink == SHRINK and (file := coarse(source)):
        return pyvips.Image.jpegload_buffer(file, shrink=shrink, **_READING)
    return _load(source, shrink=shrink)
