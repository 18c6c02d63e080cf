"""Cameras' raw photos that are TIFF files by their first bytes: DNG, and makers' own kinds."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

RAW: Final = "a camera's raw photo"

_DNG_VERSION: Final = 0xC612
_MAKE: Final = 0x010F
_SUB_IFDS: Final = 0x014A  # where they keep the sensor's pixels, beside a preview
_MAKERS: Final = (b"nikon", b"sony", b"pentax", b"ricoh", b"samsung", b"hasselblad", b"epson")
_MOST_TAGS: Final = 4096  # of the first directory; cameras write some dozens


@dataclass(frozen=True, slots=True)
class _Layout:
    """How TIFF or BigTIFF, in one order of bytes, says where its directory is, and what is in it.

    Attributes:
        start_at: where in the file the start of the directory is told.
        entry: tag, and the place of its value where that is longer than a place.
    """

    start_at: int
    start: struct.Struct
    count: struct.Struct
    entry: struct.Struct


_OLD: Final = (4, "I", "H", "HxxxxxxI")
_BIG: Final = (8, "Q", "Q", "HxxxxxxxxxxQ")
_LAYOUTS: Final = {
    magic: _Layout(at, *(struct.Struct(order + form) for form in forms))
    for magic, order, (at, *forms) in (
        (b"II*\x00", "<", _OLD),
        (b"MM\x00*", ">", _OLD),
        (b"II+\x00", "<", _BIG),
        (b"MM\x00+", ">", _BIG),
    )
}


def is_raw(file: BinaryIO) -> bool:
    """Whether the first directory of a TIFF, wherever in the file it lies, is a raw photo's."""
    head = _at(file, 0, 10)
    layout = _LAYOUTS.get(head[:4])
    if layout is None:
        return False
    if head[8:10] == b"CR":  # Canon's
        return True
    places = dict(_tags(file, layout))
    if _DNG_VERSION in places:
        return True
    make = _at(file, places.get(_MAKE, 0), 16).lower()
    return _SUB_IFDS in places and make.startswith(_MAKERS)


def _tags(file: BinaryIO, layout: _Layout) -> Iterator[tuple[int, int]]:
    """The first directory's tags, as far as the file goes, each with its value or the place of it."""
    start = _number(file, layout.start_at, layout.start)
    count = min(_number(file, start, layout.count), _MOST_TAGS)
    entries = _at(file, start + layout.count.size, count * layout.entry.size)
    whole = len(entries) // layout.entry.size * layout.entry.size
    yield from layout.entry.iter_unpack(entries[:whole])


def _number(file: BinaryIO, at: int, form: struct.Struct) -> int:
    number: int
    (number,) = form.unpack(_at(file, at, form.size).ljust(form.size, b"\0"))
    return number


def _at(file: BinaryIO, place: int, length: int) -> bytes:
    if place >= os.fstat(file.fileno()).st_size:  # to some of these no system can go
        return b""
    file.seek(place)
    return file.read(length)
