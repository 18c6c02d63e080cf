"""A `Work` on a plain folder, which keeps what it is told, for tests of the download service."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from shared.errors import WorkspaceFull
from shared.storage.base import Intent, Owner
from shared.work import Spent
from shared.workspace.paths import locate, opened


@dataclass
class FolderWork:
    """One attempt in `directory`, on a volume with room for `room_bytes`."""

    directory: Path
    room_bytes: int = 1 << 40
    volume: str = "volume-1"
    created: float = 0.0
    owner: Owner = field(default_factory=lambda: Owner(job_id="job-1", run=2))
    lock: int = -1
    log: FilteringBoundLogger = field(default_factory=structlog.get_logger)
    spent: Spent = field(default_factory=Spent)
    reserved: list[int] = field(default_factory=list)
    percents: list[float] = field(default_factory=list)
    journalled: list[Intent] = field(default_factory=list)

    def relative(self, path: Path) -> str:
        return path.relative_to(self.directory.parent).as_posix()

    def locate(self, relative: str) -> Path:
        return locate(self.directory.parent, relative)

    def opened(self, relative: str) -> AbstractContextManager[Path]:
        return opened(self.directory.parent, relative)

    async def reserve(self, size_bytes: int) -> None:
        if size_bytes > self.room_bytes:
            raise WorkspaceFull
        self.reserved.append(size_bytes)

    def journal(self, intent: Intent) -> None:
        self.journalled.append(intent)

    def intents(self) -> tuple[Intent, ...]:
        return tuple(self.journalled)

    def progress(self, percent: float, **details: object) -> None:
        self.percents.append(percent)
