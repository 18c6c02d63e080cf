"""A part of a file as the body of a request: read piece by piece while it is sent."""

import base64
import hashlib
import io
import os
from dataclasses import dataclass
from threading import Event

from shared.storage.copying import CHUNK_BYTES, refuse_if_stopped

_PIECE_BYTES = 1 << 18
_MAX_PARTS = 10_000


@dataclass(frozen=True)
class Part:
    """`size` bytes of a file from `offset` on, the `number`th part (from 1)."""

    number: int
    offset: int
    size: int


def parts(size: int, part_bytes: int) -> list[Part]:
    """The parts of a file of `size` bytes, all but the last of one size, as R2 wants it.

    That size is `part_bytes`, or as many times that as it takes to stay below the number of
    parts that S3 allows.
    """
    times = -(-size // (part_bytes * _MAX_PARTS)) or 1
    step = part_bytes * times
    offsets = range(0, size, step) or range(1)
    return [
        Part(number, offset, min(step, size - offset)) for number, offset in enumerate(offsets, 1)
    ]


class Body(io.RawIOBase):
    """One part of an open file, to be read any number of times. Holds no bytes in memory."""

    def __init__(self, file: int, part: Part) -> None:
        self._file = file
        self._part = part
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is: a request that is sent once more begins anew."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to `offset` of the part."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._part.size}
        self._position = start[whence] + offset
        return self._position

    def tell(self) -> int:
        """Where in the part the next byte is read."""
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; fewer than asked for where that would be many."""
        left = self._part.size - self._position
        wanted = min(left, _PIECE_BYTES, size if size >= 0 else left)
        piece = os.pread(self._file, max(wanted, 0), self._part.offset + self._position)
        self._position += len(piece)
        return piece


def sha256(file: int, part: Part, stop: Event) -> str:
    """The part's SHA-256 in hex."""
    return _digest(hashlib.sha256(), file, part, stop).hex()


def md5(file: int, part: Part, stop: Event) -> str:
    """The part's `Content-MD5`."""
    digest = _digest(hashlib.md5(usedforsecurity=False), file, part, stop)
    return base64.b64encode(digest).decode()


def _digest(digest: "hashlib._Hash", file: int, part: Part, stop: Event) -> bytes:
    end = part.offset + part.size
    for start in range(part.offset, end, CHUNK_BYTES):
        refuse_if_stopped(stop)
        digest.update(os.pread(file, min(CHUNK_BYTES, end - start), start))
    return digest.digest()
