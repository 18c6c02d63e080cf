"""Where outputs of libvips lie, told by ramps: a pixel's value is its place."""

import math

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st

from services.process.image.geometry import Placement
from services.process.image.vips.grid import aligned, outputs_of
from services.process.image.vips.layers import Layer


def places(across: pyvips.Image) -> list[float]:
    """The place that each pixel of the first row comes from, of those far from both sides."""
    row = across.crop(0, 0, across.width, 1).write_to_memory()
    return list(memoryview(row).cast("f"))


def made_by_libvips(length: int, step: float) -> int:
    made: int = pyvips.Image.black(length, 1).resize(1 / step, vscale=1).width
    return made


@pytest.mark.parametrize(
    ("pixels", "extent", "placement"),
    [
        (407, 407.875, Placement(150, 8)),
        (408, 408.0, Placement(150, 8)),
        (3263, 3263.0, Placement(150, 8)),
        (640, 640.0, Placement(150, 8, share_x=150 / (640 / 2.4), left=0.21875)),
        (1001, 1001.0, Placement(333, 8, share_x=0.7, left=0.15)),
        (1000, 1000.0, Placement(500, 8, share_x=0.5, left=0.25)),
        (12000, 12000.0, Placement(100, 8, share_x=0.5, left=0.2537)),
        (1203, 1203.0, Placement(150, 8, share_x=900 / 1203, left=151.5 / 1203)),
        (1001, 1001.0, Placement(500, 8, share_x=1000 / 1001, left=0.5 / 1001)),
    ],
    ids=[
        *("left away by a decoder", "even", "odd", "a cover", "a part", "unscaled"),
        *("far smaller", "a half output over", "a half output over, of two pixels"),
    ],
)
def test_every_output_lies_where_it_belongs(
    pixels: int, extent: float, placement: Placement
) -> None:
    ramp = pyvips.Image.xyz(pixels, 8)[0].cast("float")
    found = places(Layer(ramp, (extent, 8.0)).shown(placement))
    step = extent * placement.share_x / placement.width
    begin = placement.left * extent
    middle = range(placement.width // 4, placement.width * 3 // 4)
    wanted = [begin + (output + 0.5) * step - 0.5 for output in middle]
    assert [found[output] for output in middle] == pytest.approx(wanted, abs=max(0.15, step / 50))


@given(
    st.integers(1, 5000),
    st.integers(1, 3000),
    st.floats(0, 1),
    st.floats(0.01, 1),
)
def test_the_part_always_lies_in_what_there_is(
    pixels: int, outputs: int, place: float, share: float
) -> None:
    outputs = max(1, min(outputs, int(pixels * share)))
    step = max(1.0, pixels * share / outputs)
    begin = place * max(0.0, pixels - outputs * step)
    found = aligned(pixels, step, begin, outputs)
    assert found.length >= pixels + found.before
    assert 0 <= found.first <= made_by_libvips(found.length, step) - outputs
    assert found.error <= 0.5


@given(st.integers(1, 300), st.integers(1, 4000), st.integers(1, 400))
def test_as_many_come_of_a_half_output_as_libvips_makes(
    whole: int, pixels: int, outputs: int
) -> None:
    step = round(max(1.0, 2 * pixels / outputs), 9)
    length = round((whole + 0.5) * step)
    assert outputs_of(length, step) == made_by_libvips(length, step)


@given(st.floats(1.3, 300), st.floats(0, 200), st.integers(20, 300))
def test_it_is_off_by_next_to_nothing(step: float, begin: float, outputs: int) -> None:
    """A tenth of it; where steps are whole and small, a quarter of what it is made from."""
    pixels = math.ceil(begin + outputs * step) + 10
    assert aligned(pixels, step, begin, outputs).error < max(0.1, 0.26 / step)


def test_nothing_is_added_where_all_lies_right() -> None:
    found = aligned(4000, 2.5, 0, 1600)
    assert (found.before, found.length, found.first) == (0, 4000, 0)
