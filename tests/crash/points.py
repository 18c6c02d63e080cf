"""The points at which a process can be told to die: counted, named and written down.

Each operation has a point before and one after it; a write has one in its middle too.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

When = Literal["before", "amid", "after"]

# Kept from before anything is wrapped.
_write = os.write
_open = os.open


@dataclass(frozen=True)
class Point:
    """One point that a process passed.

    Attributes:
        number: from 1, in the order of passing.
        kind: what sort of operation: `disk`, `lock`, `broker`, `wire`, `child` or `look`.
        what: the operation and what it was about.
    """

    number: int
    when: When
    kind: str
    what: str

    def __str__(self) -> str:
        return f"point {self.number}, {self.when} {self.kind} {self.what}"


class Points:
    """Counts the points of this process, and kills it at one of them.

    Args:
        log: where each point is written down; must lie outside of what is watched.
        last: the number of the point to die at; 0 for none.
    """

    def __init__(self, log: Path, last: int) -> None:
        self._log = _open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._last = last
        self._passed = 0
        self._one_at_a_time = threading.Lock()

    @contextmanager
    def around(self, kind: str, what: str) -> Iterator[None]:
        """One operation: a point before, and one after if it does not fail."""
        self.reach("before", kind, what)
        yield
        self.reach("after", kind, what)

    def reach(self, when: When, kind: str, what: str) -> bool:
        """Pass one point, or die there."""
        with self._one_at_a_time:
            self._passed += 1
            _write(self._log, f"{self._passed}\t{when}\t{kind}\t{what!r}\n".encode())
            if self._passed == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return True

    @property
    def next_is_last(self) -> bool:
        """Whether the process is to die at the next point."""
        return self._passed + 1 == self._last


def passed(log: Path) -> list[Point]:
    """The points that the process of this log passed."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [_point(*line.split("\t", 3)) for line in lines]


def _point(number: str, when: str, kind: str, what: str) -> Point:
    assert when in ("before", "amid", "after")
    return Point(int(number), when, kind, what[1:-1])  # type: ignore[arg-type]


def by_kind(points: list[Point]) -> Counter[str]:
    """How many points there are of each kind."""
    return Counter(point.kind for point in points)
