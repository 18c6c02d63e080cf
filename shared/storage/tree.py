"""A folder whose files are reached by key, and never through a symbolic link."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.errors import StorageUnavailable

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a named pipe must not hold us up


class Tree:
    """The files below `root`. Each folder is opened within the one before."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def folder_of(self, key: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that `key` lies in, and the last segment of `key`.

        Raises:
            FileNotFoundError: a folder on the way is missing, and `create` is false.
            NotADirectoryError: a file or a symbolic link is in its place.
            StorageUnavailable: the root is not there.
        """
        *folders, name = key.split("/")
        descriptor = self._open_root()
        for folder in folders:
            try:
                inner = _enter(descriptor, folder, create=create)
            finally:
                os.close(descriptor)
            descriptor = inner
        try:
            yield descriptor, name
        finally:
            os.close(descriptor)

    def _open_root(self) -> int:
        try:
            return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StorageUnavailable(
                f"the folder {self.root} of the storage cannot be opened: {error.strerror}"
            ) from error

    def status(self, key: str) -> os.stat_result | None:
        """The regular file's status, or None where there is no such file."""
        try:
            with self.folder_of(key) as (folder, name):
                return status(name, folder)
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextmanager
    def opened(self, key: str) -> Iterator[int]:
        """The descriptor of the regular file.

        Raises:
            FileNotFoundError: there is no such file.
            StorageUnavailable: it cannot be opened.
        """
        descriptor = self._open(key)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _missing(key)
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, key: str) -> int:
        try:
            with self.folder_of(key) as (folder, name):
                return os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise _missing(key) from None
            raise StorageUnavailable(f"'{key}' cannot be opened: {error.strerror}") from error

    def remove(self, key: str) -> None:
        """Remove the file, then the folders on the way to it that are empty, innermost first."""
        with self.folder_of(key) as (folder, name):
            os.unlink(name, dir_fd=folder)
        self.prune(key)

    def prune(self, key: str) -> None:
        """Remove the folders on the way to `key` that are empty, innermost first."""
        while key := key.rpartition("/")[0]:
            try:
                with self.folder_of(key) as (folder, name):
                    os.rmdir(name, dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError:
                return

    def children(self, folder: str) -> list[str]:
        """The keys right below `folder` ("" or ending in a slash), in order of key.

        Those of folders end in a slash; neither links nor other special files are among them.
        A folder that is gone has none.
        """
        try:
            with self.folder_of(folder) as (descriptor, _), os.scandir(descriptor) as entries:
                return sorted(folder + name for name in map(_listed, entries) if name)
        except (FileNotFoundError, NotADirectoryError):
            return []


def status(name: str, folder: int) -> os.stat_result | None:
    """The status of the regular file `name` in the folder, or None where there is none."""
    with suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        return found if stat.S_ISREG(found.st_mode) else None
    return None


def _listed(entry: os.DirEntry[str]) -> str | None:
    if entry.is_dir(follow_symlinks=False):
        return entry.name + "/"
    return entry.name if entry.is_file(follow_symlinks=False) else None


def _missing(key: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "no such object", key)


def _enter(parent: int, name: str, *, create: bool) -> int:
    if create:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=parent)
    try:
        return os.open(name, FOLDER, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotADirectoryError(errno.ENOTDIR, "is a symbolic link", name) from None
        raise
