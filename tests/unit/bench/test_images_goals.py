"""How the benchmark of photos tells whether a goal was reached."""

import pytest

from bench.images_goals import print_goals
from bench.images_score import Verdict

NAMES = "engine", "sharp at its best"


@pytest.mark.parametrize(
    ("rate", "size", "score", "kept"),
    [
        (1.2, 1000, 80.0, "met"),
        (1.2, 500, 85.0, "met"),
        (1.2, 1021, 80.0, "MISS"),
        (1.2, 1000, 79.6, "MISS"),
        (1.1, 1000, 80.0, "MISS"),
    ],
)
def test_fewer_bytes_and_a_better_score_are_within_a_goal(
    rate: float, size: int, score: float, kept: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own, other = NAMES
    print_goals({own: rate, other: 1.0}, {own: Verdict(size, score), other: Verdict(1000, 80.0)})
    (line,) = capsys.readouterr().out.split("\n")[1:-1]
    assert line.split()[0] == kept
    assert "(at most 0.3 lower)" in line
    assert "(at most 2% more)" in line
