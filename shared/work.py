"""What a stage has in hand while it works on one attempt of a job."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from shared.storage.base import Intent, Owner


@dataclass(slots=True)
class Spent:
    """What the attempt used so far; stages add to it, the consumer puts it into the message."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    downloaded_bytes: int = 0
    uploaded_bytes: int = 0
    started: float = field(default_factory=time.monotonic)

    def child(self, cpu_seconds: float, peak_memory_bytes: int) -> None:
        """Count a child process: its CPU time adds up, its peak counts if it is the highest."""
        self.cpu_seconds += cpu_seconds
        self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_bytes)


class Work(Protocol):
    """One attempt of one stage on one job, under the job's lock.

    Attributes:
        volume: the id of the volume it lies on.
        created: when the job began, in seconds since the epoch by the volume's clock.
        owner: whose the objects are that the stage stores.
        lock: the descriptor of the job's lock, for children that write into `directory`
            to inherit, so that the job stays locked as long as any of them lives.
        log: carries job id, run, stage and attempt.
        spent: what the attempt used.
    """

    volume: str
    created: float
    owner: Owner
    lock: int
    log: FilteringBoundLogger
    spent: Spent

    @property
    def directory(self) -> Path:
        """The attempt's own directory; all that the stage writes goes there."""
        ...

    def relative(self, path: Path) -> str:
        """`path` (below `directory`) as messages name it: relative to the job's directory."""
        ...

    def locate(self, relative: str) -> Path:
        """The file that a message names.

        Raises:
            FilesLost: it is not there, not a regular file, or not inside the job's directory.
        """
        ...

    def opened(self, relative: str) -> AbstractContextManager[Path]:
        """That file under a path of this process, which leads to it and to nothing else.

        For as long as the block runs, whatever is put into the file's place meanwhile.

        Raises:
            FilesLost: as `locate`.
        """
        ...

    async def reserve(self, size_bytes: int) -> None:
        """Reserve room on the volume for this many bytes of the job in all.

        Raises:
            WorkspaceFull: there is none now.
        """
        ...

    def journal(self, intent: Intent) -> None:
        """Write down what is about to be put into storage."""
        ...

    def intents(self) -> tuple[Intent, ...]:
        """All that any attempt of this run has written into the journal."""
        ...

    def progress(self, percent: float, **details: object) -> None:
        """Tell whoever watches the job how far the stage is: 0 to 100. Never waits."""
        ...
