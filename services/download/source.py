"""What every kind of source does: bring one file into the attempt's directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.work import Work


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was written: its size in bytes, and the hex digest of its SHA-256."""

    size: int
    sha256: str


def shown(text: str) -> str:
    """`text` as it may stand in a sentence: without control characters, and not too long."""
    plain = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return plain if len(plain) <= 200 else plain[:99] + "…" + plain[-100:]


class Source(Protocol):
    """A kind of place that originals come from, told by the scheme of the source's address."""

    async def fetch(self, address: str, target: Path, work: Work) -> Fetched:
        """Write what `address` names into the new file `target`.

        Raises:
            SourceForbidden, SourceMissing, SourceTooLarge: it can never be fetched.
            SourceUnavailable, StorageUnavailable: it may go well later.
            WorkspaceFull: the volume has no room for it now.
        """
        ...
