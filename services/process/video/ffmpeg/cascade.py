"""Which pictures are scaled from which: each size from the smallest that is no smaller. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from services.process.video.ffmpeg.branch import Tap

Numbered = tuple[int, Tap]  # the number of the branch that it belongs to


@dataclass(frozen=True, slots=True)
class Step:
    """Pictures of one size and look.

    Attributes:
        label: what they are called by in the graph, where they come from another step.
        taps: who takes them.
        above: the step that they are scaled from; None for the film itself.
    """

    label: str
    taps: tuple[Numbered, ...]
    above: "Step | None"

    @property
    def tap(self) -> Tap:
        """One of `taps`: all have the same size and look."""
        return self.taps[0][1]

    def is_slowed(self, tap: Tap) -> bool:
        """Whether pictures are dropped for `tap` after they were scaled."""
        return tap.fps is not None and not tap.sparse


def cascade(taps: Sequence[Numbered]) -> list[Step]:
    """All steps, each behind the one that it is scaled from.

    Pictures that stay HDR come from such only. What takes few pictures has a step of its own.
    """
    return [
        step
        for hdr, letter in ((False, "s"), (True, "h"))
        for step in _of_one_look([tap for tap in taps if tap[1].hdr is hdr], letter)
    ]


def _of_one_look(taps: Sequence[Numbered], letter: str) -> list[Step]:
    few = [tap for tap in taps if tap[1].sparse]
    many = sorted((t for t in taps if not t[1].sparse), key=lambda t: t[1].size, reverse=True)
    steps: list[Step] = []
    for _, group in groupby(many, key=lambda tap: tap[1].size):
        same = tuple(group)
        steps.append(Step(f"{letter}{len(steps)}", same, _smallest_above(steps, same[0][1])))
    return [
        *steps,
        *(Step(f"f{n}", ((n, tap),), _smallest_above(steps, tap)) for n, tap in few),
    ]


def _smallest_above(steps: Sequence[Step], tap: Tap) -> Step | None:
    """The last of the steps, whose sizes fall, that `tap` is no enlargement of."""
    return next((step for step in reversed(steps) if step.tap.holds(tap)), None)
