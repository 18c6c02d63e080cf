"""The temporary names of local puts: they prove which run put a file there.

They lie in `.millrace/` below the storage's root, as `<job>.<run>.<token>.<random>`; the
token is the run's (see `Owner`), and missing where it has none. None of the four has dots, so
whose a name is stands before its last one.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.errors import StorageUnavailable
from shared.jobs import directory_name
from shared.storage.base import Intent, Owner
from shared.storage.keys import PRIVATE
from shared.storage.tree import FOLDER, status


class Temporaries:
    """The folder for temporary names, which is also the lock under which names change."""

    def __init__(self, root: Path) -> None:
        self._path = root / PRIVATE

    @contextmanager
    def locked(self, *, create_root: bool = False) -> Iterator[int]:
        """The folder's descriptor, nobody else's for as long as the body runs.

        The folder is made if need be; the root only if asked for, since a missing root may
        be a volume that is not mounted.

        Raises:
            StorageUnavailable: the root is not there.
        """
        while True:
            descriptor = self._open(create_root=create_root)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.fstat(descriptor).st_nlink:  # else it was removed while we waited
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _open(self, *, create_root: bool) -> int:
        try:
            self._path.mkdir(mode=0o700, parents=create_root, exist_ok=True)
            return os.open(self._path, FOLDER)
        except OSError as error:
            raise StorageUnavailable(
                f"the folder {self._path} of the storage cannot be opened: {error.strerror}"
            ) from error

    def remove_if_empty(self) -> None:
        """Remove the folder if no put is under way and none is unsettled."""
        # Where there is none, none is made for the lock: the storage may be another's, or away.
        if self._path.is_dir():
            with suppress(OSError, StorageUnavailable), self.locked():
                self._path.rmdir()


def new_name(owner: Owner) -> str:
    """A temporary name for one put of this run."""
    return f"{_signature(owner)}.{secrets.token_hex(8)}"


def own_name(intent: Intent, owner: Owner) -> str | None:
    """The temporary name that was journalled, if it is really one of this run's."""
    name = intent.token
    return name if name and _is_of(owner, name) and "/" not in name else None


def inodes(folder: int, owner: Owner) -> set[int]:
    """The inodes of all this run's temporary names in the folder."""
    with os.scandir(folder) as entries:
        return {entry.inode() for entry in entries if _is_of(owner, entry.name)}


def inode(folder: int, name: str) -> int | None:
    """The inode of one temporary name, or None where it is gone."""
    found = status(name, folder)
    return found.st_ino if found else None


def drop(folder: int, name: str) -> None:
    """Remove a temporary name. Removing what is gone is not an error."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _is_of(owner: Owner, name: str) -> bool:
    return name.rpartition(".")[0] == _signature(owner)


def _signature(owner: Owner) -> str:
    signature = f"{directory_name(owner.job_id)}.{owner.run}"
    return f"{signature}.{owner.token}" if owner.token else signature
