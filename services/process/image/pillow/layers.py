"""A picture at falling sizes, each made with Pillow from the next larger one."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from services.process.image.geometry import GAP, Placement, Shape, Size, largest_frame, origins
from services.process.image.pillow.colour import eight_bit
from services.process.image.pillow.raster import Raster
from services.process.image.source.progressive import SHRINK, coarse


@dataclass(frozen=True, slots=True)
class Layer:
    """The whole picture at one size.

    Attributes:
        extent: width and height that the picture takes of the image, in pixels: a decoder that
            shrinks rounds up, and its last row or column then holds less than a pixel's worth.
    """

    image: Image.Image
    extent: tuple[float, float]

    def has(self, placement: Placement) -> bool:
        """Whether this already is what `placement` asks for."""
        return placement.whole and self.extent == (placement.width, placement.height)

    def resized(self, placement: Placement, raster: Raster) -> Image.Image:
        """What `placement` shows, at its size."""
        if self.has(placement):
            return self.image
        size, box = (placement.width, placement.height), placement.box(*self.extent)
        return raster.resized(self.image, size, box)


def decoded(image: Image.Image, placements: Sequence[Placement], raster: Raster) -> Layer:
    """The pixels, no more of them than the largest placement needs where the decoder can shrink."""
    if (whole := raster.decoded(image)) is not None:
        return Layer(eight_bit(whole), whole.size)
    widest, highest = largest_frame(placements)
    least = int(widest * GAP), int(highest * GAP)
    read = _shortened(image, least)
    draft = read.draft(None, least)
    read.load()
    return Layer(eight_bit(read), draft[1][2:] if draft else read.size)


def _shortened(image: Image.Image, least: Size) -> Image.Image:
    """The picture with no more of its file than the decoder needs to give so many pixels."""
    shrink = min(side // wanted for side, wanted in zip(image.size, least, strict=True))
    if image.format != "JPEG" or shrink < SHRINK:
        return image
    file = coarse(Path(image.filename))  # type: ignore[attr-defined]
    return Image.open(BytesIO(file), formats=("JPEG",)) if file else image


def cascade(
    largest: Layer, shapes: Collection[Shape], orientation: int, raster: Raster
) -> Iterator[tuple[Shape, Image.Image]]:
    """Each shape with its resized picture, still lying and coloured as in the file."""
    placements = [shape.placement.stored(orientation) for shape in shapes]
    made: dict[int | None, Layer] = {None: largest}
    sources = origins(placements)
    for number, (shape, placement) in enumerate(zip(shapes, placements, strict=True)):
        small = made[sources[number]].resized(placement, raster)
        if number in sources:
            made[number] = Layer(small, small.size)
        yield shape, small
