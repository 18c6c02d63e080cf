"""What follows from an error. Pure: the error, the stage and the attempt decide alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.errors import Invalid, MillraceError, Reject, Wait
from shared.jobs import Stage


@dataclass(frozen=True, slots=True)
class Later:
    """Deliver the message again after `delay`; `counted` says whether this was an attempt."""

    delay: str
    counted: bool


Decision = Later | Literal["fail"]


def decide(
    error: Exception, stage: Stage, attempt: int, max_attempts: int, delays: Sequence[str]
) -> Decision:
    """What the consumer does about `error`, met in the `attempt`-th attempt of `stage`.

    A message that is invalid itself never gets as far as an attempt.

    Args:
        delays: names of the wait queues, shortest first.
    """
    if isinstance(error, Wait):
        return Later(delays[0], counted=False)
    if stage == "cleanup":
        # Giving up would leave files behind: cleanup goes on, at ever longer delays.
        return Later(delays[min(attempt, len(delays)) - 1], counted=True)
    if isinstance(error, Invalid | Reject) or attempt >= max_attempts:
        return "fail"
    return Later(delays[min(attempt, len(delays)) - 1], counted=True)


def sentence(error: Exception) -> str:
    """One sentence about `error`, also when it is nobody's expected one."""
    if isinstance(error, MillraceError):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}"
