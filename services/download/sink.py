"""The file that a source is written into."""

import asyncio
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from services.download.source import Fetched
from shared.errors import SourceTooLarge
from shared.work import Work
from shared.workspace.files import room_errors

# How far ahead room is reserved for a source that does not say how long it is.
STEP_BYTES = 64 * 1024 * 1024


class Sink:
    """A new file that counts, hashes, limits and reports what is written into it.

    Attributes:
        size: bytes written so far.
    """

    def __init__(self, target: Path, limit_bytes: int, work: Work) -> None:
        self._target = target
        self._limit = limit_bytes
        self._work = work
        self._expected: int | None = None
        self._reserved = 0
        self._reported = -1
        self._hash = hashlib.sha256()
        self._file: BinaryIO
        self.size = 0

    def __enter__(self) -> Self:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with room_errors():
            self._file = os.fdopen(os.open(self._target, flags, 0o600), "wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # When the job is cancelled, a thread may still be writing: a buffered file's lock
        # makes this wait for it.
        with room_errors():
            self._file.close()

    async def expect(self, size: int | None) -> None:
        """Make room for a source of `size` bytes in all; None where nobody knows.

        Raises:
            SourceTooLarge: it is over the limit.
            WorkspaceFull: there is no room for it now.
        """
        self._expected = size
        if size is not None:
            self._check(size)
            await self._reserve(size)

    async def write(self, chunk: bytes) -> None:
        """Append `chunk`.

        Raises:
            SourceTooLarge: the file would get over the limit.
            WorkspaceFull: there is no room for it now.
        """
        self._work.spent.downloaded_bytes += len(chunk)
        size = self.size + len(chunk)
        self._check(size)
        if size > self._reserved:
            await self._reserve(min(size + STEP_BYTES, self._limit))
        await asyncio.to_thread(self._append, chunk)
        self.size = size
        self._report()

    async def restart(self) -> None:
        """Forget all that was written: the source begins anew."""
        if self.size:
            await asyncio.to_thread(self._empty)
        self._hash = hashlib.sha256()
        self.size = 0
        self._reported = -1

    def fetched(self) -> Fetched:
        """What was written, now that it is complete."""
        with room_errors():
            self._file.flush()
        return Fetched(size=self.size, sha256=self._hash.hexdigest())

    def _append(self, chunk: bytes) -> None:
        with room_errors():
            self._file.write(chunk)
        self._hash.update(chunk)

    def _empty(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise SourceTooLarge(
                f"source: has more than the {self._limit} bytes allowed (MAX_DOWNLOAD_BYTES)"
            )

    async def _reserve(self, size: int) -> None:
        await self._work.reserve(size)
        self._reserved = size

    def _report(self) -> None:
        percent = 100 * self.size // self._expected if self._expected else 0
        step = percent if self._expected else self.size // STEP_BYTES
        if step != self._reported:
            self._reported = step
            self._work.progress(float(percent), bytes=self.size, total=self._expected)
