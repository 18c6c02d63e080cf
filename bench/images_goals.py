"""What `bench.images` is to show, and whether it does."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.images_score import Verdict


@dataclass(frozen=True)
class Goal:
    """One contender against another.

    Attributes:
        ratio: how many times as fast it is to be.
        score: how much lower its mean score may be, None for any.
        size: how many times the bytes it may need, None for any.
    """

    who: str
    against: str
    ratio: float
    score: float | None = None
    size: float | None = None


GOALS = (
    Goal("engine", "sharp, common", 40, score=2.0, size=1.06),
    Goal("engine, effort best", "sharp, common", 15, score=1.0, size=1.04),
    Goal("engine", "sharp at its best", 1.15, score=0.3, size=1.02),
    Goal("engine", "pillow, threads", 3),
    Goal("engine", "codecs alone", 0.9),
    Goal("four services", "engine", 0.9),
    Goal("engine, small three", "sharp, small three", 1.3),
)


def print_goals(rates: Mapping[str, float], verdicts: Mapping[str, Verdict]) -> None:
    """A line for each goal whose two contenders took part."""
    print()
    for goal in GOALS:
        if goal.who in rates and goal.against in rates:
            print(_line(goal, rates, verdicts))


def _line(goal: Goal, rates: Mapping[str, float], verdicts: Mapping[str, Verdict]) -> str:
    ratio = rates[goal.who] / rates[goal.against]
    said = [f"{ratio:6.2f} times (goal {goal.ratio:g})"]
    kept = ratio >= goal.ratio
    if goal.score is not None and goal.size is not None:
        own, other = verdicts[goal.who], verdicts[goal.against]
        lower, size = other.score - own.score, own.size / other.size
        said += [
            f"score {-lower:+.2f} (at most {goal.score:g} lower)",
            f"bytes {size - 1:+.1%} (at most {goal.size - 1:.0%} more)",
        ]
        kept = kept and lower <= goal.score and size <= goal.size
    return f"{'met ' if kept else 'MISS'}  {goal.who} / {goal.against}: {', '.join(said)}"
