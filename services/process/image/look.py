"""What an output shows of a picture, and how large. Pure values, so they travel to children."""

from dataclasses import dataclass
from typing import Literal

Fit = Literal["inside", "outside", "cover", "contain"]
Point = tuple[float, float]
Focus = Literal["centre", "attention"] | Point
Corner = Literal[
    "top-left", "top", "top-right", "left", "centre", "right",
    "bottom-left", "bottom", "bottom-right",
]  # fmt: skip
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of the picture as people see it, upright.

    Attributes:
        left, top, width, height: pixels; in percent of the picture's sides if `percent`.
    """

    left: float
    top: float
    width: float
    height: float
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Watermark:
    """A picture laid over the output.

    Attributes:
        image: the name of a file in `WATERMARKS_DIR`, without its extension.
        position: the corner, side or middle of the output that it stands at.
        scale: its width, as a share of the output's; 0 to 1.
        opacity: 0 to 1.
        margin: its distance from the edge, as a share of the output's shorter side; 0 to 1.
    """

    image: str
    position: Corner = "bottom-right"
    scale: float = 0.2
    opacity: float = 0.6
    margin: float = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is shown of a picture: never enlarged, so a smaller picture gives a smaller output.

    Attributes:
        width, height: the box to fit, in pixels; where one is None, that side follows.
        fit: `inside` the box; just `outside` it; `cover`: fill it, cut what sticks out;
            `contain`: inside it, and filled up with the background to its very size.
        focus: what `cover` keeps: the centre; what draws attention; or as near as can be to a
            point, in shares of width and height from the top left.
        cut: the part that is shown at all; what sticks out of the picture does not count.
        blur: standard deviation of a Gaussian blur, in pixels of the output; 0 for none.
        watermark: what is laid over it.
    """

    width: int | None = None
    height: int | None = None
    fit: Fit = "inside"
    focus: Focus = "centre"
    cut: Cut | None = None
    blur: float = 0.0
    watermark: Watermark | None = None

    @property
    def max_side(self) -> int:
        """The most pixels that a side of the output may have."""
        return 65535
