"""Objects as files below one folder.

A put writes a temporary name in `.millrace/`, and hard-links it to the final name: at once,
whole, and never over what is there. Until the run is settled or rolled back the temporary
name stays: a final name with the same inode is this run's own, and no clock and no list is
asked. Names change under one lock, which is held for microseconds.

Limits: the file system must know hard links. Media types are not kept. Folders mean nothing:
those that a deletion leaves empty are removed. An object that took another's place
(`overwrite`) has lost its temporary name, so a rollback leaves it.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from urllib.parse import quote

from shared.errors import ObjectExists, SourceTooLarge, StorageUnavailable
from shared.storage import temporaries
from shared.storage.base import Intent, Journal, Owner, Stored
from shared.storage.copying import NEW_FILE, copy, in_thread, new_file, original
from shared.storage.keys import PRIVATE, checked
from shared.storage.temporaries import Temporaries
from shared.storage.tree import Tree


class FilesystemStorage:
    """Objects below `root` (made by the first put or check), public below `public_url`."""

    def __init__(self, root: Path, public_url: str = "/uploads") -> None:
        self._tree = Tree(root.absolute())
        self._temporaries = Temporaries(root.absolute())
        self._public_url = public_url.rstrip("/")

    async def put(
        self,
        key: str,
        source: Path,
        *,
        media_type: str,
        sha256: str,
        owner: Owner,
        journal: Journal,
        overwrite: bool = False,
    ) -> None:
        """Copy `source` to a temporary name, then link that to `key`; see `Storage`."""
        if await asyncio.to_thread(self._is_done, checked(key), sha256, owner, overwrite):
            return
        temporary = temporaries.new_name(owner)
        journal(Intent(key=key, token=temporary))
        await in_thread(partial(self._write, key, source, temporary, sha256, overwrite))

    def _is_done(self, key: str, sha256: str, owner: Owner, overwrite: bool) -> bool:
        """Whether this run's object is there already; refuses another's."""
        with self._translated(key), self._temporaries.locked(create_root=True) as folder:
            found = self._tree.status(key)
            ours = found is not None and found.st_ino in temporaries.inodes(folder, owner)
        if ours and self._digest(key) == sha256:
            return True
        if found and not overwrite:
            raise _exists(key)
        return False

    def _digest(self, key: str) -> str:
        with self._tree.opened(key) as file, os.fdopen(file, "rb", closefd=False) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _write(
        self, key: str, source: Path, temporary: str, sha256: str, overwrite: bool, stop: Event
    ) -> None:
        with self._translated(key), original(source) as file, self._temporary(temporary) as target:
            if copy(file, target, stop) != sha256:
                raise StorageUnavailable(f"what was stored as '{key}' does not match its SHA-256")
            self._publish(key, temporary, overwrite)

    @contextmanager
    def _temporary(self, name: str) -> Iterator[int]:
        """The descriptor of the new temporary file, which goes again if the body fails."""
        with self._temporaries.locked(create_root=True) as folder:
            descriptor = os.open(name, NEW_FILE, 0o666, dir_fd=folder)
        try:
            yield descriptor
        except BaseException:
            with self._temporaries.locked() as folder:
                temporaries.drop(folder, name)
            raise
        finally:
            os.close(descriptor)

    def _publish(self, key: str, temporary: str, overwrite: bool) -> None:
        with (
            self._temporaries.locked() as private,
            self._tree.folder_of(key, create=True) as (folder, name),
        ):
            try:
                os.link(temporary, name, src_dir_fd=private, dst_dir_fd=folder)
            except FileExistsError:
                if not overwrite:
                    raise
                os.replace(temporary, name, src_dir_fd=private, dst_dir_fd=folder)

    async def get(self, key: str, target: Path, *, limit_bytes: int) -> None:
        """Copy the object into the new file `target`; see `Storage`."""
        await in_thread(partial(self._read, checked(key), target, limit_bytes))

    def _read(self, key: str, target: Path, limit_bytes: int, stop: Event) -> None:
        with self._tree.opened(key) as file:
            if os.fstat(file).st_size > limit_bytes:
                raise SourceTooLarge(f"'{key}' has more than {limit_bytes} bytes")
            with new_file(target) as copied:
                copy(file, copied, stop)

    async def stat(self, key: str) -> Stored | None:
        """The object, without its owner: a file does not say whose it is."""
        return await asyncio.to_thread(self._stat, checked(key))

    def _stat(self, key: str) -> Stored | None:
        with self._translated(key):
            found = self._tree.status(key)
        return Stored(key=key, size=found.st_size) if found else None

    async def delete(self, key: str) -> None:
        """Delete the object, and the folders that this leaves empty."""
        await asyncio.to_thread(self._delete, checked(key))

    def _delete(self, key: str) -> None:
        if self._stat(key):
            with self._translated(key), self._temporaries.locked():
                self._tree.remove(key)

    async def settle(self, intent: Intent, owner: Owner) -> None:
        """Remove the temporary name: from now on nothing tells whose the object is."""
        if name := temporaries.own_name(intent, owner):
            await asyncio.to_thread(self._settle, intent.key, name)

    def _settle(self, key: str, temporary: str) -> None:
        with self._translated(key), self._temporaries.locked() as folder:
            temporaries.drop(folder, temporary)

    async def rollback(self, intent: Intent, owner: Owner) -> None:
        """Delete the object if it has the temporary name's inode, then that name."""
        if name := temporaries.own_name(intent, owner):
            await asyncio.to_thread(self._rollback, checked(intent.key), name)

    def _rollback(self, key: str, temporary: str) -> None:
        with self._translated(key), self._temporaries.locked() as folder:
            found = self._tree.status(key)
            if found and found.st_ino == temporaries.inode(folder, temporary):
                self._tree.remove(key)
            elif found is None:
                # A put that was killed may have made the folders, and nothing in them.
                self._tree.prune(key)
            temporaries.drop(folder, temporary)

    def url(self, key: str) -> str:
        """`key` below the public URL."""
        return f"{self._public_url}/{quote(key)}"

    async def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        """All regular files whose keys begin with `prefix`, in order of key."""
        pending = [""]
        while pending:
            key = pending.pop()
            if key.endswith("/") or not key:
                below = await asyncio.to_thread(self._children, key)
                pending += reversed([name for name in below if _related(name, prefix)])
            elif stored := await asyncio.to_thread(self._stat, key):
                yield stored

    def _children(self, folder: str) -> Iterator[str]:
        with self._translated(folder):
            return filter(lambda key: key != f"{PRIVATE}/", self._tree.children(folder))

    async def check(self) -> None:
        """Make the folder if need be, then write, link and remove a probe."""
        await asyncio.to_thread(self._check)

    def _check(self) -> None:
        probe = f"probe.{secrets.token_hex(8)}"
        with (
            self._translated(PRIVATE),
            self._temporary(probe),
            self._temporaries.locked() as folder,
        ):
            os.link(probe, f"{probe}.link", src_dir_fd=folder, dst_dir_fd=folder)
            temporaries.drop(folder, f"{probe}.link")
            temporaries.drop(folder, probe)

    async def close(self) -> None:
        """Remove `.millrace` if it is empty."""
        await asyncio.to_thread(self._temporaries.remove_if_empty)

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except (FileExistsError, IsADirectoryError) as error:
            raise _exists(key) from error
        except NotADirectoryError as error:
            raise ObjectExists(
                f"'{key}' cannot be stored below a file or a symbolic link"
            ) from error
        except OSError as error:
            raise StorageUnavailable(
                f"the storage in {self._tree.root} failed on '{key}': {error.strerror or error}"
            ) from error


def _exists(key: str) -> ObjectExists:
    return ObjectExists(f"the storage already has another object under '{key}'")


def _related(key: str, prefix: str) -> bool:
    """Whether `key` begins with `prefix`, or is a folder on the way there."""
    return key.startswith(prefix) or (key.endswith("/") and prefix.startswith(key))
