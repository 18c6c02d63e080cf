"""How large a soak is."""

import random
from dataclasses import dataclass

from shared.jobs import Stage

STAGES: tuple[Stage, ...] = ("download", "process", "upload", "cleanup")


@dataclass(frozen=True)
class Scale:
    """One soak: everything random in it follows from `seed`.

    Attributes:
        seconds: how long jobs come in.
        rate: jobs a second, at most.
        open_jobs: as many at a time have not ended yet, at most.
        calm_seconds: time between two faults, in the mean.
        copies: services of each stage, in each lane.
        attempts: `MAX_ATTEMPTS` of the services.
        drain_seconds: how long the last jobs may take to end.
    """

    seconds: float
    seed: int
    rate: float = 4.0
    open_jobs: int = 150
    calm_seconds: float = 5.0
    copies: int = 2
    attempts: int = 3
    drain_seconds: float = 1200.0

    def dice(self, use: str) -> random.Random:
        """Chance of its own for each use, so that none disturbs another."""
        return random.Random(f"{self.seed} {use}")
