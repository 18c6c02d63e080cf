"""What draws attention in a picture: detail, saturated colours and skin. Pure.

A small measure of our own, for engines that have none; libvips has one and is asked for it.
"""

import math
from itertools import product

from services.process.image.engine import Pixels
from services.process.image.look import Colour, Point

CELLS = 24  # along each side
_REACH = 3  # cells around one that count with it
_SKIN: Colour = (224, 172, 140)
_SKIN_DISTANCE = 90.0  # beyond it a colour is none of skin

_Cells = dict[tuple[int, int], Colour]
_Scores = dict[tuple[int, int], float]


def attention(cells: Pixels) -> Point:
    """The point that draws most, in shares of width and height from the top left.

    Args:
        cells: the picture shrunk to `CELLS` × `CELLS` pixels.
    """
    scores = _gathered(_scores(_colours(cells)))
    across, down = max(scores, key=lambda at: (scores[at], -at[1], -at[0]))
    return (across + 0.5) / CELLS, (down + 0.5) / CELLS


def _colours(cells: Pixels) -> _Cells:
    """What is transparent draws none: it counts as black."""
    found: _Cells = {}
    for x, y in product(range(CELLS), repeat=2):
        red, green, blue, alpha = cells.rgba[4 * (y * CELLS + x) :][:4]
        found[x, y] = (red * alpha // 255, green * alpha // 255, blue * alpha // 255)
    return found


def _scores(cells: _Cells) -> _Scores:
    return {
        at: 2 * _detail(cells, at) + _saturation(colour) + _skin(colour)
        for at, colour in cells.items()
    }


def _detail(cells: _Cells, at: tuple[int, int]) -> float:
    """How much a cell differs from its neighbours, 0 to 1."""
    near = [cells[other] for other in _around(at, 1) if other != at]
    differences = (abs(sum(cells[at]) - sum(colour)) for colour in near)
    return sum(differences) / (len(near) * 3 * 255)


def _saturation(colour: Colour) -> float:
    """0 for grey, dark and white, to 1."""
    return (max(colour) - min(colour)) / 255


def _skin(colour: Colour) -> float:
    """How near a colour is to skin of its own brightness, 0 to 1."""
    brightness = sum(colour) / sum(_SKIN)
    if not 0.2 <= brightness <= 1.2:
        return 0.0
    wanted = [channel * brightness for channel in _SKIN]
    distance = math.dist(colour, wanted)
    return max(0.0, 1 - distance / _SKIN_DISTANCE) * (_saturation(colour) > 0.1)


def _gathered(scores: _Scores) -> _Scores:
    """Each cell with what lies around it: one bright dot is no motif."""
    return {at: _mean([scores[other] for other in _around(at, _REACH)]) for at in scores}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _around(at: tuple[int, int], reach: int) -> list[tuple[int, int]]:
    across, down = (range(max(0, middle - reach), min(CELLS, middle + reach + 1)) for middle in at)
    return list(product(across, down))
