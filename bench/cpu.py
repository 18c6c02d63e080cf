"""The CPU time that processes have used, by which a run on a busy machine can still be judged."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

BROKERS = ("beam.smp", "rabbitmq-server")


@dataclass(frozen=True)
class Used:
    """CPU seconds, user and system.

    Attributes:
        contender: of a contender's processes and their children.
        broker: of the broker; zero where it is not one that this program started.
    """

    contender: float
    broker: float

    def __sub__(self, earlier: "Used") -> "Used":
        return Used(self.contender - earlier.contender, self.broker - earlier.broker)


def used(processes: Iterable[int]) -> Used:
    """What `processes` (ids) and the broker have used so far."""
    found = psutil.Process().children(recursive=True)
    broker = [one for one in found if one.name() in BROKERS]
    mine = [psutil.Process(one) for one in processes]
    children = [child for one in mine for child in one.children(recursive=True)]
    return Used(sum(map(_seconds, [*mine, *children])), sum(map(_seconds, broker)))


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0
