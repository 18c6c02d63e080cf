"""When the samples of a piece of fragmented MP4 are shown (ISO/IEC 14496-12). Pure.

ffmpeg's own word for it, in playlists and indexes (`sidx`), is wrong where pictures come at uneven
distances.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_WITHIN = {b"moov", b"trak", b"mdia", b"edts", b"traf"}  # boxes that consist of boxes
_DURATION, _SIZE, _FLAGS, _OFFSET = 0x100, 0x200, 0x400, 0x800  # what a run tells of each sample
_BASE, _DESCRIPTION, _USUAL_DURATION = 0x1, 0x2, 0x8  # what comes first in a fragment's head


@dataclass(frozen=True, slots=True)
class Clock:
    """How a stream counts time.

    Attributes:
        units: in a second.
        zero: the count that is shown at the beginning; what is before is for the decoder only.
    """

    units: int
    zero: int


@dataclass(frozen=True, slots=True)
class Span:
    """What a piece shows.

    Attributes:
        begins, ends: seconds from the set's beginning.
        samples: how many pictures, or packets of sound.
    """

    begins: float
    ends: float
    samples: int


def clock_of(init: bytes) -> Clock:
    """The clock of the stream whose first file is `init`."""
    boxes = dict(_boxes(init))
    header, edits = boxes[b"mdhd"], boxes.get(b"elst")
    (units,) = struct.unpack_from(">I", header, 20 if header[0] else 12)
    if edits is None:
        return Clock(units, 0)
    # The last edit is the one that shows something; one before it could only be a wait.
    (zero,) = struct.unpack(">q" if edits[0] else ">i", edits[-12:-4] if edits[0] else edits[-8:-4])
    return Clock(units, zero)


def span_of(fragment: bytes, clock: Clock) -> Span:
    """What the piece shows whose `moof` has that content."""
    boxes = [*_boxes(fragment)]
    head = next(body for kind, body in boxes if kind == b"tfhd")
    time = next(body for kind, body in boxes if kind == b"tfdt")
    (now,) = struct.unpack_from(">Q" if time[0] else ">I", time, 4)
    shown, duration = [], 0
    for run in (body for kind, body in boxes if kind == b"trun"):
        for duration, offset in _samples(run, _usual_duration(head)):
            shown.append(now + offset - clock.zero)
            now += duration
    begins = max(0, min(shown, default=0))
    # Durations are those between decodings; only that of the sample decoded last is its own.
    ends = max(begins, max(shown, default=0) + duration)
    return Span(begins / clock.units, ends / clock.units, len(shown))


def _usual_duration(head: bytes) -> int:
    (flags,) = struct.unpack_from(">I", head)
    before = 8 + 8 * bool(flags & _BASE) + 4 * bool(flags & _DESCRIPTION)
    found: tuple[int] = struct.unpack_from(">I", head, before) if flags & _USUAL_DURATION else (0,)
    return found[0]


def _samples(run: bytes, usual: int) -> Iterator[tuple[int, int]]:
    """How long each sample lasts, and how much later than it is decoded it is shown."""
    flags, count = struct.unpack_from(">II", run)
    place = 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    fields = [field for field in (_DURATION, _SIZE, _FLAGS, _OFFSET) if flags & field]
    for _ in range(count):
        told = dict(zip(fields, struct.unpack_from(f">{len(fields)}i", run, place), strict=True))
        yield told.get(_DURATION, usual), told.get(_OFFSET, 0)
        place += 4 * len(fields)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes and their bodies; those that consist of others give these instead."""
    place = 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + max(8, size)]
        if kind in _WITHIN:
            yield from _boxes(body)
        else:
            yield kind, body
        place += max(8, size)
