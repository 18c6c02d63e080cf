"""The seam: every operation that the workspace does on the disk, one method each.

Tests put another `Files` in its place to stop, fail or crash the program before and after each
operation. Nothing here decides anything.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from shared.errors import WorkspaceFull
from shared.workspace.paths import SAFELY, locate, opened

Name = str | Path
_SMALL_BYTES = 1 << 16
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room_errors() -> Iterator[None]:
    """Turn "no space left" and "quota exceeded" into `WorkspaceFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise WorkspaceFull(f"the work directory is full: {error.strerror}") from error
        raise


class Files:
    """File operations, each one step on the disk."""

    def make_root(self, path: Name) -> None:
        """Make a directory of the lane itself, and its parents, where they are missing."""
        os.makedirs(path, exist_ok=True)

    def make_directory(self, path: Name) -> None:
        """Make one directory, never its parents."""
        with room_errors():
            os.mkdir(path, 0o700)

    def create(self, path: Name, content: bytes) -> None:
        """Make a new file with `content`; where there is no room for all of it, none."""
        with room_errors():
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            try:
                _write_all(descriptor, content)
            except OSError:
                # A full disk would fill up with the beginnings of what is tried again.
                os.unlink(path)
                raise
            finally:
                os.close(descriptor)

    def append(self, path: Name, content: bytes) -> None:
        """Add `content` to the end of a file in one write, making the file where needed."""
        with room_errors():
            flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | SAFELY
            descriptor = os.open(path, flags, 0o600)
            try:
                _check_own(descriptor)
                _write_all(descriptor, content)
            finally:
                os.close(descriptor)

    def link(self, source: Name, target: Name) -> None:
        """Give the file a second name; FileExistsError if the name is taken."""
        with room_errors():
            os.link(source, target, follow_symlinks=False)

    def rename(self, source: Name, target: Name) -> None:
        """Rename, replacing what has the name."""
        with room_errors():
            os.rename(source, target)

    def unlink(self, path: Name) -> None:
        """Remove a name of a file."""
        os.unlink(path)

    def remove_directory(self, path: Name) -> None:
        """Remove an empty directory."""
        os.rmdir(path)

    def read(self, path: Name) -> bytes:
        """The content of a file; FileNotFoundError if there is none."""
        descriptor = os.open(path, os.O_RDONLY | SAFELY)
        with open(descriptor, "rb", buffering=0) as file:
            _check_regular(descriptor)
            return file.read()

    def modified(self, path: Name) -> float:
        """When `path` was last changed, in seconds since the epoch by the volume's clock."""
        return os.stat(path, follow_symlinks=False).st_mtime

    def touch(self, path: Name) -> float:
        """Mark `path` as changed now, and return when that was by the volume's clock."""
        os.utime(path, follow_symlinks=False)
        return self.modified(path)

    def exists(self, path: Name) -> bool:
        """Whether there is something at `path`."""
        return os.access(path, os.F_OK)

    def entries(self, path: Name) -> list[os.DirEntry[str]]:
        """What lies in a directory, by name; NotADirectoryError where a link leads to one."""
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY | SAFELY))
        with os.scandir(path) as found:
            return sorted(found, key=lambda entry: entry.name)

    def lock(self, path: Name) -> int | None:
        """A descriptor that holds the lock on a file, or None where another holds it."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def read_locked(self, descriptor: int) -> bytes:
        """The content of a small file that this worker holds locked."""
        return os.pread(descriptor, _SMALL_BYTES, 0)

    def unlock(self, descriptor: int) -> None:
        """Let go of a lock."""
        os.close(descriptor)

    def locate(self, directory: Path, relative: str) -> Path:
        """The file that a message names, found without leaving `directory`; see `paths.py`."""
        return locate(directory, relative)

    def opened(self, directory: Path, relative: str) -> AbstractContextManager[Path]:
        """That file held open, under a path that nobody can lead elsewhere; see `paths.py`."""
        return opened(directory, relative)

    def space(self, path: Name) -> tuple[int, int]:
        """Free bytes that may be used, and all bytes, of the volume of `path`."""
        status = os.statvfs(path)
        return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize


def _check_regular(descriptor: int) -> os.stat_result:
    """A device may have no end, and is no file of ours."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(errno.ENOENT, "it is no regular file")
    return status


def _check_own(descriptor: int) -> None:
    """What has a second name may be another's file."""
    if _check_regular(descriptor).st_nlink > 1:
        raise OSError(errno.EMLINK, "the file has another name as well")


def _write_all(descriptor: int, content: bytes) -> None:
    # A nearly full disk takes a part without an error, and says so at the next write only.
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, content[written:])
