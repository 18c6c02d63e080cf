"""What every contender of `bench.images` is told, and what it answers."""

import dataclasses
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from services.process.image.engine import Target


@dataclass(frozen=True)
class Photo:
    """One photo; `name` is unique in its task, and the folder of what is made of it."""

    name: str
    path: str


@dataclass(frozen=True)
class Output:
    """One file to make of every photo; the fields are those of `Target`."""

    name: str
    file: str
    format: str
    width: int | None
    height: int | None
    fit: str
    blur: float
    quality: int

    @classmethod
    def of(cls, target: Target) -> Self:
        """The output that `target` describes."""
        return cls(**{field.name: getattr(target, field.name) for field in dataclasses.fields(cls)})


@dataclass(frozen=True)
class Task:
    """The work of one contender in one round.

    Attributes:
        way: for a contender that knows several.
        operations: what Millrace is asked, as in a job; the others are given `outputs`.
        folder: where the files go, `<photo>/<output's file>`.
        cores: how many threads or processes may work.
    """

    way: str
    photos: Sequence[Photo]
    operations: Sequence[str | dict[str, Any]]
    outputs: Sequence[Output]
    folder: str
    cores: int

    def write(self, path: Path) -> None:
        """For a process that is about to start."""
        path.write_text(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def read(cls, path: str) -> Self:
        """What `write` wrote."""
        fields = json.loads(Path(path).read_text())
        fields["photos"] = [Photo(**photo) for photo in fields["photos"]]
        fields["outputs"] = [Output(**output) for output in fields["outputs"]]
        return cls(**fields)


@dataclass
class Made:
    """How long a contender took: by the clock, and of all cores together."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def tell(self) -> None:
        """Print it for the driver, as the last line."""
        print(json.dumps(dataclasses.asdict(self)))


@contextmanager
def measured() -> Iterator[Made]:
    """Fill in what the block takes in this process; it adds what others took for it."""
    made = Made()
    cpu_before, before = _cpu_seconds(), time.perf_counter()
    yield made
    made.seconds = time.perf_counter() - before
    made.cpu_seconds += _cpu_seconds() - cpu_before


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def contender(main: Callable[[Task], Made], arguments: Sequence[str]) -> None:
    """Run a contender that is a Python module, on the task that the driver wrote."""
    main(Task.read(arguments[1])).tell()
