"""Which part of a picture an output shows, and how large. Pure."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from services.process.image.look import Cut, Fit, Look, Point, Watermark
from shared.errors import UnsupportedMedia

LYING = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_MIRRORED_ACROSS = (2, 3, 7, 8)  # …, in which the file's left side is seen right or below
_MIRRORED_DOWN = (3, 4, 6, 7)
GAP = 1.4
"""An image is made from one at least so much larger; less would cost sharpness. Who changes it
raises `recipe.REVISION`."""
_ROUNDING = 1e-6  # more than what floating point adds to a whole number of pixels

L = TypeVar("L", bound=Look)
Size = tuple[int, int]
_Choice = Callable[[Iterable[float]], float]


@dataclass(frozen=True, slots=True)
class Placement:
    """A part of the source, at a size.

    Attributes:
        width, height: the output's, in pixels.
        share_x, share_y: how much of the source's width and height it shows, 0 to 1.
        left, top: where that part begins, in shares of the source's width and height.
    """

    width: int
    height: int
    share_x: float = 1.0
    share_y: float = 1.0
    left: float = 0.0
    top: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether nothing is cut off."""
        return self.share_x == self.share_y == 1.0

    @property
    def frame(self) -> tuple[float, float]:
        """How large the whole source is at this output's scale, in pixels."""
        return self.width / self.share_x, self.height / self.share_y

    def stored(self, orientation: int) -> "Placement":
        """The same in a file whose pixels lie as this EXIF orientation says."""
        across, down = (self.left, self.share_x), (self.top, self.share_y)
        width, height = self.width, self.height
        if orientation in LYING:
            across, down, width, height = down, across, height, width
        left = 1 - sum(across) if orientation in _MIRRORED_ACROSS else across[0]
        top = 1 - sum(down) if orientation in _MIRRORED_DOWN else down[0]
        return Placement(width, height, across[1], down[1], max(0.0, left), max(0.0, top))

    def box(self, width: float, height: float) -> tuple[float, float, float, float]:
        """The part to show of the whole picture at this size: left, top, right, bottom."""
        right, bottom = min(1.0, self.left + self.share_x), min(1.0, self.top + self.share_y)
        return self.left * width, self.top * height, right * width, bottom * height


@dataclass(frozen=True, slots=True)
class Finish:
    """What is done to a picture that has its scale, in this order.

    Attributes:
        keep: the size of the part that draws most attention, all else is cut; None for all.
        blur: standard deviation in pixels.
        canvas: the size that it is filled up to, with transparency; None for its own.
        watermark: what is laid over it.
    """

    keep: Size | None = None
    blur: float = 0.0
    canvas: Size | None = None
    watermark: Watermark | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """All that outputs which look the same have in common."""

    placement: Placement
    finish: Finish


def shape(width: int, height: int, look: Look) -> Shape:
    """How a source of this size is shown: never enlarged, never too large to encode.

    Raises:
        UnsupportedMedia: the part to be cut out lies outside of the picture.
    """
    left, top, columns, rows = (
        (0, 0, width, height) if look.cut is None else _part(width, height, look.cut)
    )
    inner, finish = _fitted(columns, rows, look)
    return Shape(
        Placement(
            inner.width,
            inner.height,
            inner.share_x * columns / width,
            inner.share_y * rows / height,
            (left + inner.left * columns) / width,
            (top + inner.top * rows) / height,
        ),
        finish,
    )


def _part(width: int, height: int, cut: Cut) -> tuple[int, int, int, int]:
    """Left, top, width and height in whole pixels, inside the picture."""
    across, down = (width / 100, height / 100) if cut.percent else (1.0, 1.0)
    left, top = round(cut.left * across), round(cut.top * down)
    right, bottom = round((cut.left + cut.width) * across), round((cut.top + cut.height) * down)
    if left >= width or top >= height:
        raise UnsupportedMedia(
            f"crop: the part lies outside of the picture, which has {width}×{height} pixels"
        )
    return left, top, max(1, min(right, width) - left), max(1, min(bottom, height) - top)


def _fitted(width: int, height: int, look: Look) -> tuple[Placement, Finish]:
    finish = Finish(blur=look.blur, watermark=look.watermark)
    if look.fit in ("cover", "contain") and look.width and look.height:
        box = _box(width, height, (look.width, look.height), look.fit)
        if look.fit == "contain":
            return _scaled(width, height, box, look, min), replace(finish, canvas=box)
        if look.focus == "attention":
            return _scaled(width, height, box, look, max), replace(finish, keep=box)
        return _covering(width, height, box, look.focus), finish
    choose: _Choice = max if look.fit == "outside" else min
    return _scaled(width, height, (look.width, look.height), look, choose), finish


def _box(width: int, height: int, wanted: Size, fit: Fit) -> Size:
    """The box that is to be filled or filled up: smaller for a smaller picture, of one shape."""
    scales = wanted[0] / width, wanted[1] / height
    factor = max(1.0, max(scales) if fit == "cover" else min(scales))
    return max(1, int(wanted[0] / factor)), max(1, int(wanted[1] / factor))


def _scaled(
    width: int, height: int, box: tuple[int | None, int | None], look: Look, choose: _Choice
) -> Placement:
    scales = [wanted / side for wanted, side in zip(box, (width, height), strict=True) if wanted]
    scale = min(1.0, choose(scales or [1.0]), look.max_side / max(width, height))
    return Placement(max(1, round(width * scale)), max(1, round(height * scale)))


def _covering(width: int, height: int, box: Size, focus: Point | str) -> Placement:
    scale = max(box[0] / width, box[1] / height)
    shown = min(1.0, box[0] / (width * scale)), min(1.0, box[1] / (height * scale))
    point = (0.5, 0.5) if isinstance(focus, str) else focus
    left, top = (_begin(*one) for one in zip(point, shown, strict=True))
    return Placement(*box, *shown, left, top)


def _begin(focus: float, shown: float) -> float:
    """Where a part of this size begins that has `focus` as near to its middle as can be."""
    return min(max(0.0, focus - shown / 2), 1.0 - shown)


def largest_frame(placements: Iterable[Placement]) -> tuple[float, float]:
    """How large the whole source has to be, in pixels, to make all these from it."""
    frames = [placement.frame for placement in placements]
    return max(width for width, _ in frames), max(height for _, height in frames)


def stand_in(width: int, height: int, looks: Sequence[Look]) -> Size:
    """The size of a copy that serves for all looks at a picture of this size as it would itself.

    It is the largest of them already, unless another is too near to that to be made from it: then
    all are made from a larger one. What is cut out is counted in the picture's own pixels.
    """
    if any(look.cut for look in looks):
        return width, height
    frames = {_up(shape(width, height, look).placement.frame) for look in looks}
    across, down = max(frames, default=(width, height))
    near = (one for one in frames if across < GAP * one[0] or down < GAP * one[1])
    factor = 1.0 if all(one == (across, down) for one in near) else GAP
    larger = _up((factor * across, factor * down))
    if larger[0] >= width - 1 or larger[1] >= height - 1:
        return width, height  # a pixel less would show in boxes that the picture does not fill
    return larger


def _up(frame: tuple[float, float]) -> Size:
    """In whole pixels, none too few."""
    return math.ceil(frame[0] - _ROUNDING), math.ceil(frame[1] - _ROUNDING)


def origins(placements: Sequence[Placement]) -> list[int | None]:
    """The place of the one that each is made from, the largest first; None: from the source.

    The smallest before it that shows the whole picture and is large enough.
    """
    return [
        next((place for place in reversed(range(number)) if _serves(placements[place], one)), None)
        for number, one in enumerate(placements)
    ]


def _serves(larger: Placement, smaller: Placement) -> bool:
    width, height = smaller.frame
    suffices = larger.width >= GAP * width and larger.height >= GAP * height
    return larger.whole and (larger == smaller or suffices)


def shapes(width: int, height: int, looks: Iterable[L]) -> dict[Shape, list[L]]:
    """The looks by what they look like, the largest scale first.

    What looks the same is resized once and encoded in several formats.
    """
    groups: dict[Shape, list[L]] = {}
    for look in looks:
        groups.setdefault(shape(width, height, look), []).append(look)
    return dict(sorted(groups.items(), key=_scale, reverse=True))


def _scale(group: tuple[Shape, object]) -> tuple[float, float]:
    return group[0].placement.frame
