"""What a piece of fragmented MP4 says of itself (ISO/IEC 14496-12), read from its head. Pure."""

import struct
from collections.abc import Iterator

HEAD_BYTES = 4096  # the boxes that are read here come first
_CONTAINERS = {b"moof", b"traf"}


def seconds_of(head: bytes) -> float | None:
    """How long it is shown, from its index (`sidx`); None where it has none.

    Unlike what ffmpeg writes into playlists, that is true of pictures at uneven distances, too.
    """
    index = next((body for kind, body in _boxes(head) if kind == b"sidx"), None)
    if index is None:
        return None
    timescale = struct.unpack_from(">I", index, 8)[0]
    first = 32 if index[0] else 24  # behind times of 64 bits, or of 32
    count = struct.unpack_from(">H", index, first - 2)[0]
    lengths = [struct.unpack_from(">I", index, first + 12 * n + 4)[0] for n in range(count)]
    return float(sum(lengths) / timescale)


def samples_of(head: bytes) -> int:
    """How many pictures it has, or packets of sound."""
    runs = [body for kind, body in _boxes(head) if kind == b"trun"]
    return sum(struct.unpack_from(">I", body, 4)[0] for body in runs)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes, with their bodies as far as they are there; containers give what is in them."""
    place = 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + max(8, size)]
        if kind in _CONTAINERS:
            yield from _boxes(body)
        else:
            yield kind, body
        place += max(8, size)
