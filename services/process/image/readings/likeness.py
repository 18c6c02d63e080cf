"""A perceptual hash: pictures that look alike have hashes that differ in few bits.

The difference hash (dHash): for each of 8×8 cells, whether it is brighter than its right
neighbour in a grid of 9×8.
"""

from itertools import pairwise

from services.process.image.engine import Pixels

_ACROSS, _DOWN = 9, 8


def likeness(pixels: Pixels) -> str:
    """64 bits as 16 hex digits; what is transparent counts as white."""
    grid = [[_brightness(pixels, x, y) for x in range(_ACROSS)] for y in range(_DOWN)]
    bits = "".join("01"[left > right] for row in grid for left, right in pairwise(row))
    return f"{int(bits, 2):016x}"


def _brightness(pixels: Pixels, x: int, y: int) -> float:
    """The mean luma of a cell of the grid; of its nearest pixel where it has none of its own."""
    columns, rows = _extent(x, _ACROSS, pixels.width), _extent(y, _DOWN, pixels.height)
    values = [_luma(pixels, column, row) for row in rows for column in columns]
    return sum(values) / len(values)


def _extent(cell: int, cells: int, side: int) -> range:
    first = cell * side // cells
    return range(first, max(first + 1, (cell + 1) * side // cells))


def _luma(pixels: Pixels, x: int, y: int) -> float:
    """Of one pixel, by the weights of ITU-R BT.601."""
    red, green, blue, alpha = pixels.rgba[4 * (y * pixels.width + x) :][:4]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (luma * alpha + 255 * (255 - alpha)) / 255
