"""A job that this worker holds locked: its results, its attempts, its deadline."""

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from structlog.typing import FilteringBoundLogger

from shared.errors import FilesLost, InvalidJob
from shared.jobs import Reference, Stage
from shared.storage.base import Intent, standing
from shared.work import Spent
from shared.workspace.files import Files
from shared.workspace.records import Committed, Lease, Result
from shared.workspace.tree import empty

Progress = Callable[[float, dict[str, object]], None]


class Held:
    """One job's directory, under its lock until the `with` block ends."""

    def __init__(
        self,
        files: Files,
        directory: str,
        lock: int,
        lease: Lease,
        volume: str,
        receipt: str,
        reserve: Callable[["Held", int], Awaitable[None]],
    ) -> None:
        self._receipt = receipt
        self._reserve = reserve
        self._ends = float("inf")
        self.files = files
        self.directory = directory
        self.lock = lock
        self.lease = lease
        self.volume = volume

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.files.unlock(self.lock)

    @property
    def closed(self) -> bool:
        """Whether the job has a receipt by now: somebody cancelled it."""
        return self.files.exists(self._receipt)

    @property
    def limited(self) -> bool:
        """Whether an attempt may not take longer than `STAGE_LIMIT_SECONDS`."""
        return True

    @property
    def overdue(self) -> bool:
        """Whether the job's deadline has passed. Known once an attempt began."""
        return time.monotonic() >= self._ends

    def committed(self, stage: Stage) -> Result | None:
        """The result that an earlier delivery committed, if one did."""
        path = self._path_of(stage)
        return Committed.decode(self.files.read(path)) if self.files.exists(path) else None

    def follow(self, reference: Reference) -> Result:
        """The committed result that a reference names."""
        result = self.committed(reference.committed)
        if result is None:
            raise FilesLost(f"the result of {reference.committed} is not there any more")
        return result

    def attempt(self, stage: Stage, log: FilteringBoundLogger, progress: Progress) -> "Attempt":
        """Begin an attempt. The deadline is reckoned from now, by the volume's clock."""
        remaining = self.lease.deadline - self.files.touch(f"{self.directory}/job.json")
        self._ends = time.monotonic() + remaining
        return Attempt(self, stage, log, progress)

    def make_attempt_directory(self, stage: Stage) -> Path:
        """A new directory for one attempt.

        What earlier attempts of the stage left is removed: they have ended, since this
        worker has the lock.
        """
        for entry in self.files.entries(self.directory):
            if entry.name.startswith(f"{stage}.") and entry.is_dir(follow_symlinks=False):
                empty(self.files, entry.path)
        directory = f"{self.directory}/{stage}.{secrets.token_hex(4)}"
        self.files.make_directory(directory)
        return Path(directory)

    def commit(self, stage: Stage, result: Result) -> Result:
        """Make `result` the stage's one result, unless it has one: that one is returned."""
        written = f"{self.directory}/{stage}.json.{secrets.token_hex(4)}"
        self.files.create(written, Committed.encode(result))
        try:
            self.files.link(written, self._path_of(stage))
        except FileExistsError:
            return self.committed(stage) or result
        return result

    def failures(self, stage: Stage) -> int:
        """How many attempts of the stage have failed, whichever delivery they were made for."""
        path = f"{self.directory}/{stage}.failures"
        return int(self.files.read(path)) if self.files.exists(path) else 0

    def note_failure(self, stage: Stage, attempt: int) -> None:
        """Write down that this attempt failed: another delivery may bring the same message."""
        written = f"{self.directory}/{stage}.failures.{secrets.token_hex(4)}"
        self.files.create(written, str(attempt).encode())
        self.files.rename(written, f"{self.directory}/{stage}.failures")

    async def reserve(self, size_bytes: int) -> None:
        """Reserve room for `size_bytes`, or raise `WorkspaceFull`."""
        await self._reserve(self, size_bytes)

    def promise(self, room_bytes: int) -> None:
        """Write down how much room the job may take; see `Workspace`."""
        written = f"{self.directory}/room.{secrets.token_hex(4)}"
        self.files.create(written, str(room_bytes).encode())
        self.files.rename(written, f"{self.directory}/room")

    def journal(self, intent: Intent) -> None:
        """Write down what is about to be put into storage."""
        # The newline in front keeps a line apart from one that a crash cut short.
        self.files.append(f"{self.directory}/objects.jsonl", b"\n%s\n" % intent.encode())

    def intents(self) -> tuple[Intent, ...]:
        """What any attempt of this run has journalled."""
        return read_intents(self.files, self.directory)

    def _path_of(self, stage: Stage) -> str:
        return f"{self.directory}/{stage}.json"


class Attempt:
    """One attempt of one stage: `shared.work.Work`, where the meaning of each part is told."""

    def __init__(
        self, held: Held, stage: Stage, log: FilteringBoundLogger, progress: Progress
    ) -> None:
        self._held = held
        self._stage = stage
        self._progress = progress
        self.volume = held.volume
        self.created = held.lease.created
        self.owner = held.lease.owner
        self.lock = held.lock
        self.log = log
        self.spent = Spent()

    @cached_property
    def directory(self) -> Path:
        """Made when it is first asked for: not every attempt writes files."""
        return self._held.make_attempt_directory(self._stage)

    def relative(self, path: Path) -> str:
        return path.relative_to(self._held.directory).as_posix()

    def locate(self, relative: str) -> Path:
        return self._held.files.locate(Path(self._held.directory), relative)

    def opened(self, relative: str) -> AbstractContextManager[Path]:
        return self._held.files.opened(Path(self._held.directory), relative)

    async def reserve(self, size_bytes: int) -> None:
        await self._held.reserve(size_bytes)

    def journal(self, intent: Intent) -> None:
        self._held.journal(intent)

    def intents(self) -> tuple[Intent, ...]:
        return self._held.intents()

    def progress(self, percent: float, **details: object) -> None:
        self._progress(percent, details)


def read_intents(files: Files, directory: str) -> tuple[Intent, ...]:
    """The journal in `directory`, each intent once, whichever attempts wrote it.

    Lines that a crash cut short do not count. What was begun stands no more where the line
    with its token has followed.
    """
    try:
        content = files.read(f"{directory}/objects.jsonl")
    except FileNotFoundError:
        return ()
    lines = dict.fromkeys(content.split(b"\n")[:-1])
    return standing(tuple(_whole(lines)))


def _whole(lines: Iterable[bytes]) -> Iterator[Intent]:
    for line in filter(None, lines):
        with suppress(InvalidJob):
            yield Intent.decode(line)
