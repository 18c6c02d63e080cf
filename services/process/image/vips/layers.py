"""A picture at falling sizes, each made with libvips from the next larger one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyvips

from services.process.image.geometry import Placement, Size, largest_frame, origins
from services.process.image.vips.finish import weighted
from services.process.image.vips.grid import Axis, aligned

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Layer:
    """The whole picture at one size.

    Attributes:
        extent: width and height of the whole picture, in pixels: a decoder that shrinks leaves
            away what is less than a pixel at the right and below.
    """

    image: pyvips.Image
    extent: tuple[float, float]

    @classmethod
    def of(cls, image: pyvips.Image) -> "Layer":
        """A picture of which nothing was left away."""
        return cls(image, (image.width, image.height))

    def shown(self, placement: Placement) -> pyvips.Image:
        """What `placement` shows, at its size."""
        scaled, (left, top) = self._scaled(placement)
        return _cut(scaled, left, top, placement.width, placement.height)

    def columns(self, placement: Placement) -> pyvips.Image:
        """The same, with no more of the picture in memory than what lies above and below.

        All rows are read, for a file that is damaged anywhere is refused.
        """
        scaled, (left, top) = self._scaled(placement)
        columns = _cut(scaled, left, 0, placement.width, scaled.height).copy_memory()
        return _cut(columns, 0, top, placement.width, placement.height)

    def _scaled(self, placement: Placement) -> tuple[pyvips.Image, Size]:
        """The whole picture at the placement's scale, and where in it the placement begins."""
        (width, height), frame = self.extent, placement.frame
        across, down = _step(width, frame[0]), _step(height, frame[1])
        columns = aligned(self.image.width, across, placement.left * width, placement.width)
        rows = aligned(self.image.height, down, placement.top * height, placement.height)
        scaled = _extended(self.image, columns, rows)
        if (across, down) != (1, 1):
            scaled = weighted(scaled, lambda pixels: pixels.resize(1 / across, vscale=1 / down))
        return scaled, (columns.first, rows.first)


def held(decoded: Layer, placements: Sequence[Placement]) -> tuple[Layer, Sequence[Placement]]:
    """What all placements are made from, in memory, and where they lie in that.

    It is the whole picture as large as any needs it; where there is but one, what that one shows.
    """
    if len(placements) == 1:
        lone = placements[0]
        return Layer.of(decoded.columns(lone)), [Placement(lone.width, lone.height)]
    width, height = (math.ceil(side - _ROUNDING) for side in largest_frame(placements))
    return Layer.of(decoded.shown(Placement(width, height)).copy_memory()), placements


class Cascade:
    """A picture for each placement, still lying and coloured as in the file."""

    def __init__(self, base: Layer, placements: Sequence[Placement]) -> None:
        """As `held` gives them."""
        self._placements = placements
        self._origins = origins(placements)
        self._made: dict[int | None, Layer] = {None: base}

    def picture(self, number: int) -> pyvips.Image:
        """That of the placement there, in memory. To be asked for in their order.

        It is kept here only where others will be made from it.
        """
        origin = self._made[self._origins[number]]
        small = origin.shown(self._placements[number]).copy_memory()
        if number in self._origins:
            self._made[number] = Layer.of(small)
        return small


def _step(pixels: float, outputs: float) -> float:
    """How many pixels make one output; without what is but an error of rounding."""
    return max(1.0, round(pixels / outputs, 9))


def _extended(image: pyvips.Image, columns: Axis, rows: Axis) -> pyvips.Image:
    """With the pixels before and behind, which are repeated from the edges."""
    if (columns.length, rows.length) == (image.width, image.height):
        return image
    return image.embed(columns.before, rows.before, columns.length, rows.length, extend="copy")


def _cut(image: pyvips.Image, left: int, top: int, width: int, height: int) -> pyvips.Image:
    if (width, height) == (image.width, image.height):
        return image
    return image.crop(left, top, width, height)
