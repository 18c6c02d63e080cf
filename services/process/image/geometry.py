"""Which part of a picture an output shows, and how large. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.process.image.engine import Format, Target

LYING = (5, 6, 7, 8)  # EXIF orientations that swap width and height
GAP = 1.4  # an image is made from one at least so much larger; less would cost sharpness

MAX_SIDE_PIXELS: dict[Format, int] = {"webp": 16383, "avif": 65535, "jpeg": 65500, "png": 65535}


@dataclass(frozen=True, slots=True)
class Placement:
    """One output's geometry: the middle of the source, at a size.

    Attributes:
        width, height: the output's, in pixels.
        share_x, share_y: how much of the source's width and height it shows, 0 to 1.
    """

    width: int
    height: int
    share_x: float = 1.0
    share_y: float = 1.0

    @property
    def whole(self) -> bool:
        """Whether nothing is cut off."""
        return self.share_x == self.share_y == 1.0

    @property
    def frame(self) -> tuple[float, float]:
        """How large the whole source is at this output's scale, in pixels."""
        return self.width / self.share_x, self.height / self.share_y

    def turned(self) -> "Placement":
        """The same for the source lying on its side."""
        return Placement(self.height, self.width, self.share_y, self.share_x)

    def box(self, width: float, height: float) -> tuple[float, float, float, float]:
        """The part to show of the whole picture at this size: left, top, right, bottom."""
        left, top = width * (1 - self.share_x) / 2, height * (1 - self.share_y) / 2
        return left, top, width - left, height - top


def place(width: int, height: int, target: Target) -> Placement:
    """How `target` shows a source of this size: never enlarged, never too large to encode."""
    if target.fit == "cover" and target.width and target.height:
        return _covering(width, height, target.width, target.height)
    scales = [
        box / side for box, side in ((target.width, width), (target.height, height)) if box
    ] or [1.0]
    wanted = max(scales) if target.fit == "outside" else min(scales)
    scale = min(1.0, wanted, MAX_SIDE_PIXELS[target.format] / max(width, height))
    return Placement(max(1, round(width * scale)), max(1, round(height * scale)))


def _covering(width: int, height: int, box_width: int, box_height: int) -> Placement:
    scale = max(box_width / width, box_height / height)
    if scale > 1.0:
        return _covering(width, height, *_smaller(box_width, box_height, scale))
    shown_x, shown_y = box_width / (width * scale), box_height / (height * scale)
    return Placement(box_width, box_height, min(1.0, shown_x), min(1.0, shown_y))


def _smaller(width: int, height: int, factor: float) -> tuple[int, int]:
    return max(1, int(width / factor)), max(1, int(height / factor))


def largest_frame(placements: Iterable[Placement]) -> tuple[float, float]:
    """How large the whole source has to be, in pixels, to make all these from it."""
    frames = [placement.frame for placement in placements]
    return max(width for width, _ in frames), max(height for _, height in frames)


Shape = tuple[Placement, float]


def shapes(width: int, height: int, targets: Iterable[Target]) -> dict[Shape, list[Target]]:
    """The targets by what they look like (placement and blur), the largest scale first.

    What looks the same is resized once and encoded in several formats.
    """
    groups: dict[Shape, list[Target]] = {}
    for target in targets:
        groups.setdefault((place(width, height, target), target.blur), []).append(target)
    return dict(
        sorted(groups.items(), key=lambda item: (item[0][0].frame, -item[0][1]), reverse=True)
    )
