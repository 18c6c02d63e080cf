"""Copying and hashing files in threads that stop when whoever waits for them is cancelled."""

import asyncio
import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from shared.errors import FilesLost, StorageUnavailable, WorkspaceFull

T = TypeVar("T")

CHUNK_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)
NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


async def in_thread(work: Callable[[threading.Event], T]) -> T:
    """What `work(stop)` returns, run in a thread.

    A thread cannot be cancelled: on cancellation `stop` is set, and the thread waited for,
    so that it never outlives the files and descriptors of its caller.
    """
    stop = threading.Event()
    running = asyncio.get_running_loop().run_in_executor(None, work, stop)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([running])
        running.exception()  # fetched, so that nobody reports it as forgotten
        raise


def refuse_if_stopped(stop: threading.Event) -> None:
    """Raise `InterruptedError` if nobody waits for the work any more."""
    if stop.is_set():
        raise InterruptedError("stopped")


def copy(source: int, target: int, stop: threading.Event) -> str:
    """Copy all of the file `source` into the empty file `target`, inside the kernel if it can.

    Returns:
        The SHA-256 (hex) of what `target` then holds, read back from it.
    """
    digest, size = hashlib.sha256(), 0
    while count := _send(source, target):
        refuse_if_stopped(stop)
        digest.update(os.pread(target, count, size))
        size += count
    return digest.hexdigest()


def _send(source: int, target: int) -> int:
    """Copy the next chunk; returns how many bytes that were, 0 at the end."""
    try:
        copied = os.copy_file_range(source, target, CHUNK_BYTES)
    except (AttributeError, OSError):  # not on this system; not between these file systems
        copied = 0
    return copied or os.write(target, os.read(source, CHUNK_BYTES))


def write_all(target: int, content: bytes, stop: threading.Event) -> None:
    """Write `content` at the end of what was written."""
    left = memoryview(content)
    while left:
        refuse_if_stopped(stop)
        left = left[os.write(target, left) :]


@contextmanager
def original(path: Path) -> Iterator[int]:
    """The descriptor of a file to be stored.

    Raises:
        FilesLost: it is not there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise FilesLost(f"the file {path.name} cannot be read: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def new_file(path: Path) -> Iterator[int]:
    """The descriptor of the new file `path`, which goes again if the body fails.

    Raises:
        WorkspaceFull: there is no room for it.
        StorageUnavailable: it could not be read or written.
    """
    try:
        descriptor = os.open(path, NEW_FILE, 0o666)
    except OSError as error:
        if error.errno in _FULL:
            raise _failure(path, error) from error
        raise
    try:
        yield descriptor
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _failure(path, error) from error
        raise
    finally:
        os.close(descriptor)


def _failure(path: Path, error: OSError) -> WorkspaceFull | StorageUnavailable:
    if error.errno in _FULL:
        return WorkspaceFull(f"no room left to fetch {path.name}")
    return StorageUnavailable(f"{path.name} could not be fetched: {error}")
