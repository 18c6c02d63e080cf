"""What an AVIF sequence says beside its pixels: when it was made, and how often it plays.

libavif writes the time of day, so that no two files are the same, and Pillow does not let it be
told how often to play. The boxes are those of ISO/IEC 14496-12: `mvhd` (8.2.2), `tkhd` (8.3.2),
`mdhd` (8.4.2), `elst` (8.6.6). By ISO/IEC 23008-12, 9.6.1, an edit list that repeats goes on until
the track's duration is full, and for ever where that is unknown.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_Bytes = bytes | bytearray
_HOLD_OTHERS = (b"moov", b"trak", b"mdia", b"edts")
_BEFORE_DURATION = {b"mvhd": 4, b"mdhd": 4, b"tkhd": 8}  # bytes between the times and it
_REPEATS = 1  # a flag of the edit list
_DEEPEST = 4  # that such boxes lie in each other


@dataclass(frozen=True, slots=True)
class _Box:
    """A full box that lies in a sequence's head.

    Attributes:
        at: where its version and flags begin.
        word: bytes of a time or duration: 8, or 4 in version 0.
    """

    kind: bytes
    at: int
    word: int

    @property
    def times(self) -> slice:
        """Where it says when it was made and changed."""
        return slice(self.at + 4, self.at + 4 + 2 * self.word)

    @property
    def duration(self) -> slice:
        """Where a header says how long it takes; an edit list, how long its one edit does."""
        begin = self.times.stop + _BEFORE_DURATION[self.kind] if self.is_header else self.at + 8
        return slice(begin, begin + self.word)

    @property
    def is_header(self) -> bool:
        return self.kind in _BEFORE_DURATION


def settled(data: bytes, plays: int) -> bytes:
    """The sequence `data` as one that was made at no time, and plays so often; 0 for ever."""
    made = bytearray(data)
    boxes = list(_boxes(made, 0, len(made)))
    once = max((_number(made, box.duration) for box in boxes if box.kind == b"elst"), default=0)
    for box in boxes:
        if box.is_header:
            made[box.times] = bytes(2 * box.word)
        if box.kind in (b"mvhd", b"tkhd"):
            made[box.duration] = _whole(once, plays, box.word)
        if box.kind == b"elst":
            made[box.at + 3] = 0 if plays == 1 else _REPEATS
    return bytes(made)


def plays_of(data: bytes) -> int:
    """How often the sequence plays; 0 for ever, as where it does not say."""
    boxes = list(_boxes(data, 0, len(data)))
    edits = next((box for box in boxes if box.kind == b"elst"), None)
    track = next((box for box in boxes if box.kind == b"tkhd"), None)
    if edits is None or track is None:
        return 0
    if not data[edits.at + 3] & _REPEATS:
        return 1
    whole, once = _number(data, track.duration), _number(data, edits.duration)
    return 0 if whole == _unknown(track.word) else -(-whole // max(1, once))


def _whole(once: int, plays: int, word: int) -> bytes:
    """How long it takes with all repeats; all ones, unknown, where it is for ever or too long."""
    unknown = _unknown(word)
    return (min(once * plays, unknown) if plays else unknown).to_bytes(word, "big")


def _unknown(word: int) -> int:
    return (1 << 8 * word) - 1


def _number(data: _Bytes, place: slice) -> int:
    return int.from_bytes(data[place], "big")


def _boxes(data: _Bytes, at: int, end: int, depth: int = 0) -> Iterator[_Box]:
    """The headers and edit lists between two places, in their order.

    No box goes on behind the end of the one that it lies in, whatever it says: so each byte is
    read no more often than boxes can lie in each other.
    """
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            head, size = 16, *struct.unpack_from(">Q", data, at + 8)
        size = min(size or end - at, end - at)
        if size < head + 4:
            return
        if kind in _HOLD_OTHERS and depth < _DEEPEST:
            yield from _boxes(data, at + head, at + size, depth + 1)
        elif kind in _BEFORE_DURATION or kind == b"elst":
            yield _Box(kind, at + head, 8 if data[at + head] else 4)
        at += size
