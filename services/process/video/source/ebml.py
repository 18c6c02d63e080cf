"""Whether a Matroska file is shorter than it says: one that was cut off as it was written or sent."""

from pathlib import Path
from typing import BinaryIO

_HEADER = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"


def cut_off(source: Path) -> bool:
    """Whether the file ends before its segment does; not where that has no size, as when live.

    RFC 8794, chapters 4 and 6: an element is an id, a size, and as many bytes.
    """
    end = source.stat().st_size
    with source.open("rb") as file:
        if (segment := _segment(file, end)) is None:
            return False
        return not (segment and _passed(file, end))


def recording_cut_off(source: Path) -> bool:
    """Whether a file that does not tell its size, as when recorded live, ends within an element.

    Elements of unknown size are entered, the others passed over. False where there is something
    else than elements: ffmpeg says what is wrong with that.
    """
    end = source.stat().st_size
    with source.open("rb") as file:
        if not (segment := _segment(file, end)):
            return segment is False
        if _size(file) is not None:
            return False
        while first := file.read(1):
            if not first[0] >> 4:  # no id has more than four bytes
                return False
            file.seek(8 - first[0].bit_length(), 1)
            if file.tell() >= end:
                return True
            if not _passed(file, end):
                return True
    return False


def _segment(file: BinaryIO, end: int) -> bool | None:
    """Go to the size of the file's segment. False: the file ends before; None: it has none."""
    if file.read(4) != _HEADER:
        return None
    if not _passed(file, end):
        return False
    return True if file.read(4) == _SEGMENT else None


def _passed(file: BinaryIO, end: int) -> bool:
    """Go behind the element whose size comes next, or into one of unknown size.

    False where that is behind the end of the file: to some such places no system can go.
    """
    size = _size(file) or 0
    if file.tell() + size > end:
        return False
    file.seek(size, 1)
    return True


def _size(file: BinaryIO) -> int | None:
    """A number of variable length; None for the one that stands for an unknown size."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    most = (1 << 7 * (more + 1)) - 1
    number = int.from_bytes(first + file.read(more)) & most
    return None if number == most else number
