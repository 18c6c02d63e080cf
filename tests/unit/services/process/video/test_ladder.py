"""Sizes: never enlarged, always even, in the film's shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.process.video.ladder import rungs

_WEB = (720, 480, 360)
_SIDES = st.integers(min_value=2, max_value=9000)


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        ((1920, 1080), ((1280, 720), (854, 480), (640, 360))),
        ((1280, 720), ((1280, 720), (854, 480), (640, 360))),
        ((854, 480), ((854, 480), (640, 360))),
        ((1280, 718), ((856, 480), (642, 360))),
        ((1080, 1920), ((720, 1280), (480, 854), (360, 640))),
        ((320, 240), ((320, 240),)),
        ((321, 241), ((320, 240),)),
        ((641, 361), ((640, 360),)),
        ((100, 100), ((100, 100),)),
        ((1, 1), ((2, 2),)),
    ],
)
def test_sizes(film: tuple[int, int], expected: tuple[tuple[int, int], ...]) -> None:
    assert rungs(*film, _WEB) == expected


def test_the_order_and_repetitions_of_the_wishes_do_not_matter() -> None:
    assert rungs(1280, 720, (360, 720, 360)) == ((1280, 720), (640, 360))


@given(width=_SIDES, height=_SIDES, sides=st.sets(st.integers(8, 2000).map(lambda n: 2 * n)))
def test_every_rung_is_even_and_fits_into_the_film(
    width: int, height: int, sides: set[int]
) -> None:
    sizes = rungs(width, height, sides)
    assert sizes
    for rung_width, rung_height in sizes:
        assert rung_width % 2 == rung_height % 2 == 0
        assert 2 <= rung_width <= width
        assert 2 <= rung_height <= height


@given(
    width=st.integers(400, 9000), height=st.integers(400, 9000), side=st.sampled_from([360, 400])
)
def test_the_shape_stays(width: int, height: int, side: int) -> None:
    ((rung_width, rung_height),) = rungs(width, height, (side,))
    # one side is exact, the other at most one pixel from where the shape would have it …
    exact = side * max(width, height) / min(width, height)
    assert min(rung_width, rung_height) == side
    assert abs(max(rung_width, rung_height) - exact) <= 1 or side == min(width, height)
