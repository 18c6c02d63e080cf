"""What a storage must do. Every adapter passes `tests/contract/test_storage.py`."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Protocol

from shared.wire import Wire


class Owner(Wire):
    """The run that stores an object: written into the object, so it can be told whose it is.

    Attributes:
        token: random, from the run's lease. Another lane, or the same one long after, may
            have a job with the same id and run. Empty for a run that began before there
            were tokens.
    """

    job_id: str
    run: int
    token: str = ""


class Intent(Wire):
    """What a run is about to put, journalled before the first byte, for a later rollback.

    Attributes:
        key: the object's key.
        token: what else exists until the put has ended, and names it: the temporary file
            of a local put, the id of a multipart upload.
        begun: a random name for what gets its token from the storage. It is journalled
            before that is asked, and again with the token: where it stands without one,
            something may be there that nobody can name.
    """

    key: str
    token: str | None = None
    begun: str | None = None


def standing(intents: Sequence[Intent]) -> tuple[Intent, ...]:
    """`intents` without what was begun and has got its token since."""
    named = {intent.begun for intent in intents if intent.token}
    return tuple(
        intent
        for intent in intents
        if intent.token or not intent.begun or intent.begun not in named
    )


class Stored(Wire):
    """One object as the storage knows it.

    Attributes:
        size: bytes.
        owner: the run that put it, where the storage can tell.
    """

    key: str
    size: int
    owner: Owner | None = None


Journal = Callable[[Intent], None]


class Storage(Protocol):
    """A place for objects under keys (`users/42/small.webp`).

    Objects are created, never overwritten, unless asked for. Every method may raise
    `StorageUnavailable` (may go well later). Keys are relative, without `.` and `..`
    segments; an adapter refuses others with `InvalidJob`.
    """

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
        """Store the file `source` under `key`, whole or not at all.

        `journal` is called with every `Intent` before what it names comes into being.
        An object that this owner put there before, with the same content, counts as done
        (where files keep no owner: until the put is settled).

        Raises:
            FilesLost: `source` cannot be read.
            ObjectExists: another's object is there, and `overwrite` is false.
            StorageUnavailable: not stored, or what was stored does not match `sha256`.
        """
        ...

    async def get(self, key: str, target: Path, *, limit_bytes: int) -> None:
        """Write the object into the new file `target`.

        Raises:
            FileNotFoundError: there is no such object.
            SourceTooLarge: it has more than `limit_bytes`.
            WorkspaceFull: there is no room for it.
        """
        ...

    async def stat(self, key: str) -> Stored | None:
        """The object, or None where there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Delete the object. Deleting what is not there is not an error."""
        ...

    async def settle(self, intent: Intent, owner: Owner) -> None:
        """Remove what served the put of `intent` alone, and leave the object.

        What nobody can name (`Intent.begun` without a token) may be another's: it is left
        until it is old enough to be nobody's.
        """
        ...

    async def rollback(self, intent: Intent, owner: Owner) -> None:
        """Undo the put of `intent`: the object too, if this very run created it.

        What took another object's place (`overwrite`) stays: the other would not come back.
        """
        ...

    def url(self, key: str) -> str:
        """The address under which the object is public."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        """All objects whose keys begin with `prefix`, in order of key."""
        ...

    async def check(self) -> None:
        """Return if the storage can be reached and written; raise `StorageUnavailable` if not."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
