"""From an opened file to outputs, with Pillow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PIL import Image

from services.process.image.engine import Made, Reading, Rendered, Target, Wish
from services.process.image.geometry import LYING, Shape, Size, shapes
from services.process.image.output import Outputs
from services.process.image.pillow.animation import (
    Timing,
    encode_animation,
    frames,
    frames_of,
    opening,
    plays,
)
from services.process.image.pillow.codecs import encode
from services.process.image.pillow.colour import eight_bit, srgb
from services.process.image.pillow.finish import Part, finished, kept, pixels, upright
from services.process.image.pillow.layers import Layer, cascade, decoded
from services.process.image.pillow.raster import Raster
from services.process.image.source.exif import lies


@dataclass(frozen=True)
class Picture:
    """A picture of which only the header is read as yet.

    Attributes:
        orientation: how its pixels lie, by EXIF's numbers, 1 to 8.
        outputs: where it goes.
        raster: who computes its pixels.
    """

    image: Image.Image
    orientation: int
    outputs: Outputs
    raster: Raster

    @classmethod
    def of(cls, image: Image.Image, outputs: Outputs, raster: Raster) -> "Picture":
        """`image`, turned as browsers do it."""
        return cls(image, lies(image), outputs, raster)

    @property
    def size(self) -> Size:
        """Width and height as people see it."""
        width, height = self.image.size
        return (height, width) if self.orientation in LYING else (width, height)

    def made(self, wishes: Sequence[Wish]) -> Made:
        """All wishes: those that move as animations if it is one."""
        moving = _moving(wishes) if frames_of(self.image) > 1 else []
        still = [wish for wish in wishes if wish not in moving]
        return {**self._stills(still), **self._animations(moving)}

    def _stills(self, wishes: Sequence[Wish]) -> Made:
        """The first frame."""
        if not wishes:
            return {}
        groups, made = shapes(*self.size, wishes), Made()
        placements = [shape.placement.stored(self.orientation) for shape in groups]
        largest = decoded(opening(self.image), placements, self.raster)
        for shape, small in cascade(largest, groups, self.orientation, self.raster):
            coloured = self._coloured(small)
            done = self._finished(coloured, shape, kept(coloured, shape.finish.keep))
            made |= {wish: self._put(done, wish) for wish in groups[shape]}
        return made

    def _animations(self, wishes: Sequence[Target]) -> Made:
        """All frames. What attention keeps of the first is kept of all."""
        if not wishes:
            return {}
        self.outputs.limits.check(*self.size, frames_of(self.image))
        groups = shapes(*self.size, wishes)
        films: dict[Shape, list[Image.Image]] = {shape: [] for shape in groups}
        parts: dict[Shape, Part | None] = {}
        shown: list[int] = []
        for frame, milliseconds in frames(self.image):
            shown.append(milliseconds)
            layer = Layer(eight_bit(frame), frame.size)
            for shape, small in cascade(layer, groups, self.orientation, self.raster):
                coloured = self._coloured(small)
                if shape not in parts:
                    parts[shape] = kept(coloured, shape.finish.keep)
                films[shape].append(self._finished(coloured, shape, parts[shape]))
        timing = Timing(tuple(shown), plays(self.image))
        return {
            wish: self.outputs.picture(
                wish, films[shape][0].size, partial(encode_animation, films[shape], timing)
            )
            for shape, alike in groups.items()
            for wish in alike
        }

    def _coloured(self, small: Image.Image) -> Image.Image:
        """Upright and in sRGB."""
        return srgb(upright(small, self.orientation), self.image.info.get("icc_profile"))

    def _finished(self, image: Image.Image, shape: Shape, part: Part | None) -> Image.Image:
        watermarks = self.outputs.limits.watermarks
        return finished(image, shape.finish, watermarks, part, self.raster)

    def _put(self, image: Image.Image, wish: Wish) -> Rendered:
        if isinstance(wish, Reading):
            return self.outputs.reading(wish, pixels(image))
        return self.outputs.picture(wish, image.size, partial(encode, image))


def _moving(wishes: Sequence[Wish]) -> list[Target]:
    return [wish for wish in wishes if isinstance(wish, Target) and wish.moves]
