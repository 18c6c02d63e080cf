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
class Line:
    """One axis of a picture that is to be scaled.

    Attributes:
        before: how many pixels are put before the first.
        length: how many there are with these, and with those behind.
        first: where the part begins in what comes of it.
        error: how far from there it should begin, in pixels.
    """

    before: int
    length: int
    first: int
    error: float


def line(pixels: int, step: float, begin: float, outputs: int) -> Line:
    """How `outputs` pixels come to lie where they belong.

    Args:
        pixels: how many there are.
        step: how many of them make one output; at least 1.
        begin: where in them the first output begins.
    """
    lines = list[Line]()
    for one in _lines(pixels, step, begin, outputs):
        if one.error <= _NEAR_ENOUGH:
            return one
        lines.append(one)
    return min(lines, key=lambda one: one.error)


def outputs_of(length: int, step: float) -> int:
    """How many libvips makes of so many pixels; reckoned as there, where a half is rounded up.

    It is told the scale, and takes the step back from that.
    """
    return int(length / (1 / (1 / step)) + 0.5)


def _lines(pixels: int, step: float, begin: float, outputs: int) -> Iterator[Line]:
    least = max(pixels, round(begin + outputs * step))
    # Those behind move all outputs by up to a quarter of one, to either side; those before do the rest.
    behind, most_before = max(_BEHIND, round(2 * step)), max(_BEFORE, round(step / 2))
    for before in range(0, most_before + 1, max(1, round(step / 8))):
        for length in range(least + before, least + before + behind + 1):
            made = outputs_of(length, step)
            exact = (begin + before + (made * step - length) / 2) / step
            first = min(max(0, round(exact)), made - outputs)
            if first >= 0:
                yield Line(before, length, first, abs(exact - first))
