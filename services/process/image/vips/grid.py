"""How libvips is made to scale a part of a picture exactly, and not to a fraction of a pixel beside it.

It scales about the picture's middle, to a whole number of pixels. Where that is not what the scale
gives, all outputs lie a little off: half a pixel costs 20 points of SSIMULACRA2. With some pixels
more at the sides, which are repeated from the edge and cut off again, they can lie right. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_BEFORE, _BEHIND = 4, 24  # as many pixels are tried at least
_NEAR_ENOUGH = 1 / 128  # of a pixel; libvips itself takes steps of 1/64


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a picture, as libvips is given it to scale.

    Attributes:
        before: how many pixels are put before the first.
        length: how many pixels there are with these, and with those behind.
        first: where the part begins in what comes of it.
        error: how far from there it should begin, in pixels.
    """

    before: int
    length: int
    first: int
    error: float


def aligned(pixels: int, step: float, begin: float, outputs: int) -> Axis:
    """The axis on which `outputs` pixels lie where they belong, or as near as can be.

    Args:
        pixels: how many there are.
        step: how many of them make one output; at least 1.
        begin: where in them the first output begins.
    """
    tried = list[Axis]()
    for axis in _axes(pixels, step, begin, outputs):
        if axis.error <= _NEAR_ENOUGH:
            return axis
        tried.append(axis)
    return min(tried, key=lambda axis: axis.error)


def outputs_of(length: int, step: float) -> int:
    """How many libvips makes of so many pixels; reckoned as there, where a half is rounded up.

    It is told the scale, and takes the step back from that.
    """
    return int(length / (1 / (1 / step)) + 0.5)


def _axes(pixels: int, step: float, begin: float, outputs: int) -> Iterator[Axis]:
    """Those with ever more pixels before and behind."""
    least = max(pixels, round(begin + outputs * step))
    # Those behind move all outputs by up to a quarter of one, to either side; those before do the rest.
    behind, most_before = max(_BEHIND, round(2 * step)), max(_BEFORE, round(step / 2))
    for before in range(0, most_before + 1, max(1, round(step / 8))):
        for length in range(least + before, least + before + behind + 1):
            made = outputs_of(length, step)
            exact = (begin + before + (made * step - length) / 2) / step
            first = min(max(0, round(exact)), made - outputs)
            if first >= 0:
                yield Axis(before, length, first, abs(exact - first))
