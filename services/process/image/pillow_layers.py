"""A picture at falling sizes, each made with Pillow from the next larger one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from services.process.image.colour import eight_bit
from services.process.image.geometry import GAP, Placement, Shape, largest_frame


@dataclass(frozen=True, slots=True)
class Layer:
    """The whole picture at one size.

    Attributes:
        extent: width and height that the picture takes of the image, in pixels: a decoder that
            shrinks rounds up, and its last row or column then holds less than a pixel's worth.
    """

    image: Image.Image
    extent: tuple[float, float]

    def suffices(self, placement: Placement) -> bool:
        """Whether `placement` can be made from this without loss."""
        width, height = placement.frame
        return self.has(placement) or (
            self.extent[0] >= GAP * width and self.extent[1] >= GAP * height
        )

    def has(self, placement: Placement) -> bool:
        """Whether this already is what `placement` asks for."""
        return placement.whole and self.extent == (placement.width, placement.height)

    def resized(self, placement: Placement) -> Image.Image:
        """What `placement` shows, at its size."""
        if self.has(placement):
            return self.image
        size, box = (placement.width, placement.height), placement.box(*self.extent)
        return self.image.resize(size, Image.Resampling.LANCZOS, box=box)


def decoded(image: Image.Image, placements: Sequence[Placement]) -> Layer:
    """The pixels, no more of them than the largest placement needs where the decoder can shrink."""
    widest, highest = largest_frame(placements)
    draft = image.draft(None, (int(widest * GAP), int(highest * GAP)))
    image.load()
    return Layer(eight_bit(image), draft[1][2:] if draft else image.size)


def cascade(
    largest: Layer, shapes: Iterable[Shape], orientation: int
) -> Iterator[tuple[Shape, Image.Image]]:
    """Each shape with its resized picture, still lying and coloured as in the file."""
    larger = [largest]
    for shape in shapes:
        placement = shape.placement.stored(orientation)
        origins = (layer for layer in reversed(larger) if layer.suffices(placement))
        small = next(origins, largest).resized(placement)
        if placement.whole:
            larger.append(Layer(small, small.size))
        yield shape, small
