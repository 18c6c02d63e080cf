"""What can go wrong, how often, and what has gone wrong."""

from collections import Counter
from random import Random

# Asked for at an operation, by its rate.
AT_OPERATIONS = {
    "crash before a file operation": (0.002, 0.006, 0.02),
    "crash after a file operation": (0.002, 0.006, 0.02),
    "crash before a publish": (0.01, 0.05),
    "crash after a publish": (0.01, 0.05),
    "crash before a subscription": (0.02, 0.1),
    "crash after a subscription": (0.02, 0.1),
    "crash before an acknowledgement": (0.01, 0.05),
    "crash after an acknowledgement": (0.01, 0.05),
    "crash before a storage call": (0.02, 0.1),
    "crash after a storage call": (0.02, 0.1),
    "process stands still in a file operation": (0.001, 0.004),
    "sweep between two steps": (0.003, 0.03),
    "publish not confirmed, not kept": (0.02, 0.1),
    "publish not confirmed, but kept": (0.02, 0.1),
    "storage error, nothing done": (0.05, 0.3, 0.8),
    "storage error, but done": (0.05, 0.3),
    "put lands late, sender told it failed": (0.1, 0.4),
    "put lands late, sender died": (0.05, 0.2),
    "source error": (0.1, 0.8),
    "message delayed": (0.05, 0.3),
    "duplicate at the moment of a hand-over": (0.1, 0.4),
    "stranger's object in the way": (0.2, 0.6),
}
# Done by the nemesis, by its weight.
FROM_OUTSIDE = {
    "process killed": (1, 4),
    "process stopped in order": (1, 4),
    "connection lost": (1, 4),
    "duplicate": (1, 4),
    "reordering": (1, 4),
    "cancel": (1,),
    "redrive": (1, 4),
    "sweep": (1, 4),
    "disk full": (1, 2),
    "job id used for another request": (1,),
}
# No job may fail for another reason than these.
REASONS = (
    "CorruptMedia",
    "DeliveryLimit",
    "ObjectExists",
    "SourceUnavailable",
    "StorageUnavailable",
    "TimeLimit",
    "ValueError",
)
# Counted where they show.
OBSERVED = (
    "crash in the middle of a file's creation",
    "crash in the middle of a line of the journal",
    "disk full in the middle of a line of the journal",
    "duplicate of an ended job",
    "duplicate long after the end",
    "connection lost while working",
    "delivery renewed",
    "clock an hour wrong",
    "no room to reserve",
    "disk full at a file operation",
    "sweep crashed",
    "duplicate of a redriven job's first run",
)
ENDINGS = (
    "completed",
    "failed",
    "cancelled",
    "expired",
    "rejected",
    *(f"failed: {error}" for error in REASONS),
)
KINDS = (*AT_OPERATIONS, *FROM_OUTSIDE, *OBSERVED)


class Faults:
    """One seed's faults: each kind is there or not, and often or rarely, as the seed decides.

    A world in which everything fails gets nowhere interesting; so each seed has a few kinds.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.counts: Counter[str] = Counter()
        self.calm = False
        share = random.choice((0.15, 0.4, 0.7))
        self.rates = {
            kind: random.choice(rates)
            for kind, rates in AT_OPERATIONS.items()
            if random.random() < share
        }
        self.weights = [
            random.choice(weights) if random.random() < max(share, 0.4) else 0
            for weights in FROM_OUTSIDE.values()
        ]
        self.preemption = random.choice((0.02, 0.1, 0.4))
        # Rates of what is asked at every file operation, which are very many.
        self.before_file = self.rates.get("crash before a file operation", 0.0)
        self.after_file = self.rates.get("crash after a file operation", 0.0)
        self.sweeping = self.rates.get("sweep between two steps", 0.0)
        self.standstill = self.rates.get("process stands still in a file operation", 0.0)

    def strikes(self, kind: str) -> bool:
        """Whether this goes wrong now."""
        rate = self.rates.get(kind, 0.0)
        if self.calm or not rate or self.random.random() >= rate:
            return False
        self.counts[kind] += 1
        return True

    def choose(self) -> str | None:
        """What the nemesis does next."""
        if not any(self.weights):
            return None
        return self.random.choices(tuple(FROM_OUTSIDE), self.weights)[0]

    def saw(self, kind: str) -> None:
        """Count what was seen."""
        self.counts[kind] += 1
