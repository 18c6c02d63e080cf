"""When a film is damaged, and what is missing of it."""

import pytest

from services.process.video.source.whole import check_whole
from shared.errors import CorruptMedia


@pytest.mark.parametrize(
    ("said", "seconds", "missing"),
    [
        ("", 1.0, None),  # shorter than it says, and nothing is wrong with it
        ("File ended", 99.0, None),
        ("File ended", 60.0, 40.0),
    ],
)
def test_a_part_is_enough_where_that_is_asked(
    said: str, seconds: float, missing: float | None
) -> None:
    assert check_whole(said, seconds, 100.0, salvage=True) == missing


@pytest.mark.parametrize(("seconds", "salvage"), [(60.0, False), (0.0, False), (0.0, True)])
def test_less_than_that_is_damaged(seconds: float, salvage: bool) -> None:
    with pytest.raises(CorruptMedia, match=f"only {seconds:.1f} of its 100.0 seconds"):
        check_whole("File ended", seconds, 100.0, salvage=salvage)
