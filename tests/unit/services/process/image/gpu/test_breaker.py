"""How many failures are too many."""

import pytest

from services.process.image.gpu.breaker import WITHIN_SECONDS, Breaker


@pytest.mark.parametrize(
    ("at", "enough"),
    [
        ([0], [False]),
        ([0, 1], [False, False]),
        ([0, 1, 2], [False, False, True]),
        ([0, 1, WITHIN_SECONDS], [False, False, True]),
        ([0, 1, WITHIN_SECONDS + 0.5], [False, False, False]),
        ([0, 30, 61, 91], [False, False, False, False]),
        ([0, 30, 61, 62], [False, False, False, True]),
    ],
)
def test_three_within_a_minute_are_enough(at: list[float], enough: list[bool]) -> None:
    breaker = Breaker()
    assert [breaker.failed(now) for now in at] == enough
