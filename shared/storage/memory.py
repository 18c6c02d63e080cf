"""Objects in this process's memory: for tests and simulations. They end with the process."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import quote

from shared.errors import FilesLost, ObjectExists, SourceTooLarge, StorageUnavailable
from shared.storage.base import Intent, Journal, Owner, Stored
from shared.storage.copying import new_file, write_all
from shared.storage.keys import checked


@dataclass(frozen=True)
class _Object:
    content: bytes
    owner: Owner
    replaced: bool


class MemoryStorage:
    """A dictionary of objects under the same contract as every other storage."""

    def __init__(self, public_url: str = "memory:") -> None:
        self._objects: dict[str, _Object] = {}
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
        """Keep the bytes of `source`; see `Storage`."""
        checked(key)
        content = _content(source)
        # Before anything is known of what is there, as in S3: no entry says whose an object is.
        journal(Intent(key=key))
        found = self._objects.get(key)
        if found and found.owner == owner and found.content == content:
            return
        if found and not overwrite:
            raise ObjectExists(f"the storage already has another object under '{key}'")
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StorageUnavailable(f"what was to be stored as '{key}' does not match its SHA-256")
        self._objects[key] = _Object(content, owner, replaced=found is not None)

    async def get(self, key: str, target: Path, *, limit_bytes: int) -> None:
        """Write the bytes into the new file `target`; see `Storage`."""
        found = self._objects.get(checked(key))
        if found is None:
            raise FileNotFoundError(key)
        if len(found.content) > limit_bytes:
            raise SourceTooLarge(f"'{key}' has more than {limit_bytes} bytes")
        with new_file(target) as file:
            write_all(file, found.content, Event())

    async def stat(self, key: str) -> Stored | None:
        """The object with its owner, or None where there is none."""
        found = self._objects.get(checked(key))
        return Stored(key=key, size=len(found.content), owner=found.owner) if found else None

    async def delete(self, key: str) -> None:
        """Forget the object."""
        self._objects.pop(checked(key), None)

    async def settle(self, intent: Intent, owner: Owner) -> None:
        """Nothing: a put leaves nothing behind but its object."""

    async def rollback(self, intent: Intent, owner: Owner) -> None:
        """Forget the object if this run put it there, and not in another's place."""
        found = self._objects.get(checked(intent.key))
        if found and found.owner == owner and not found.replaced:
            del self._objects[intent.key]

    def url(self, key: str) -> str:
        """`key` below the public URL."""
        return f"{self._public_url}/{quote(key)}"

    async def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        """All objects whose keys begin with `prefix`, in order of key."""
        for key in sorted(key for key in self._objects if key.startswith(prefix)):
            if stored := await self.stat(key):
                yield stored

    async def check(self) -> None:
        """Memory is always there."""

    async def close(self) -> None:
        """Nothing to let go of."""


def _content(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise FilesLost(f"the file {source.name} cannot be read: {error.strerror}") from error
