"""Which sizes are made of a film. Pure.

A rung is named like people name it: by the shorter side, so that a film and the same film held
upright get the same quality (`720p` is 1280×720 or 720×1280).
"""

from collections.abc import Iterable


def rungs(width: int, height: int, sides: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """The sizes, largest first, whose shorter sides are the `sides` that the film reaches.

    A film smaller than all of them gets one rung of its own size. Both sides are even, as
    H.264 wants them, and never larger than the film's own (two pixels being the least).
    """
    shorter = min(width, height)
    reached = sorted({side for side in sides if side <= shorter}, reverse=True)
    return tuple(_size(width, height, side) for side in reached or [shorter])


def _size(width: int, height: int, side: int) -> tuple[int, int]:
    """The film's size when its shorter side becomes `side`."""
    longer = max(width, height) * side / min(width, height)
    short, long = _even(side), min(max(2, 2 * round(longer / 2)), _even(max(width, height)))
    return (long, short) if width >= height else (short, long)


def _even(side: int) -> int:
    return max(2, side - side % 2)
