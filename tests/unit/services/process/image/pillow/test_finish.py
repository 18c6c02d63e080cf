"""What Pillow keeps of a picture: what lies around the cell that draws most attention."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.process.image.engine import Pixels
from services.process.image.pillow.attention import CELLS, attention
from services.process.image.pillow.finish import kept

LONG, SHORT = 20 * CELLS, CELLS
lies = pytest.mark.parametrize("lies", [True, False])


def motif(length: int, at: float) -> NDArray[np.uint8]:
    """Grey but for a red square with its middle there, in shares of the length."""
    shown = np.full((SHORT, length, 3), 128, np.uint8)
    middle = round(at * length)
    shown[:, max(0, middle - 20) : middle + 20] = (220, 30, 30)
    return shown


def begins(shown: NDArray[np.uint8], extent: int, lies: bool) -> int:
    """Where along the longer side the part with that extent begins, whose other side is whole."""
    picture = Image.fromarray(shown if lies else shown.swapaxes(0, 1).copy())
    part = kept(picture, (extent, SHORT) if lies else (SHORT, extent))
    assert part is not None
    along, across = (part[::2], part[1::2]) if lies else (part[1::2], part[::2])
    assert (along[1] - along[0], across) == (extent, (0, SHORT))
    return along[0]


@lies
def test_cell_is_the_mean_of_its_pixels(lies: bool) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (SHORT, LONG, 3), dtype=np.uint8)
    means = noise.reshape(SHORT, CELLS, -1, 3).mean(axis=2).round().astype(np.uint8)
    opaque = np.dstack([means, np.full((CELLS, CELLS), 255, np.uint8)])
    cells = opaque if lies else opaque.swapaxes(0, 1)
    point = attention(Pixels(CELLS, CELLS, cells.tobytes()))
    assert begins(noise, SHORT, lies) == point[0 if lies else 1] * LONG - SHORT / 2


@lies
@pytest.mark.parametrize("at", [0.3, 0.4, 0.5, 0.6, 0.7])
def test_middle_of_the_part_is_the_cell_s_to_half_a_pixel(lies: bool, at: float) -> None:
    length = LONG + 7
    middle = begins(motif(length, at), SHORT, lies) + SHORT / 2
    middles = [(number + 0.5) * length / CELLS for number in range(CELLS)]
    assert min(abs(middle - one) for one in middles) <= 0.5


@lies
@pytest.mark.parametrize(("at", "wanted"), [(0.0, 0), (1.0, LONG - 200)])
def test_part_lies_in_the_picture(lies: bool, at: float, wanted: int) -> None:
    assert begins(motif(LONG, at), 200, lies) == wanted


def test_all_of_it_is_no_part() -> None:
    picture = Image.fromarray(motif(LONG, 0.5))
    assert kept(picture, None) is None
    assert kept(picture, picture.size) is None
