"""The digests of finished files. Runs in a child: reading gigabytes takes a while."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished file: where it is, its bytes, and their SHA-256 as hex."""

    path: str
    size: int
    sha256: str


def digests(paths: tuple[Path, ...]) -> tuple[Piece, ...]:
    """Each of the files, in their order."""
    return tuple(map(_digest, paths))


def _digest(path: Path) -> Piece:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Piece(str(path), path.stat().st_size, digest)
