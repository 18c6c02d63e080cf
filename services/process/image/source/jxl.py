"""How large a JPEG XL picture is, told by its header. The plugin decodes a file as it opens it.

See ISO/IEC 18181-1 (the codestream's size header) and 18181-2 (the boxes around it).
"""

import struct
from pathlib import Path
from typing import BinaryIO

from shared.errors import CorruptMedia

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"
_HEADER_BYTES = 16  # the size takes no more
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_BITS_OF_SIDE = (9, 13, 18, 30)


def size_of(source: Path) -> tuple[int, int] | None:
    """Width and height as stored; None if the file is no JPEG XL.

    Raises:
        CorruptMedia: it ends before it says them.
    """
    with source.open("rb") as file:
        head = file.read(len(_CONTAINER))
        if head.startswith(_CODESTREAM):
            file.seek(len(_CODESTREAM))
            return _size(file.read(_HEADER_BYTES))
        if head == _CONTAINER:
            return _size(_codestream(file))
    return None


def _codestream(file: BinaryIO) -> bytes:
    """The beginning of what is in the boxes, behind its signature."""
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"jxlc", b"jxlp"):
            number_bytes = 8 * (length == 1) + 4 * (kind == b"jxlp")
            file.seek(number_bytes + len(_CODESTREAM), 1)
            return file.read(_HEADER_BYTES)
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8).rjust(8, b"\0"))
            file.seek(max(0, length - 16), 1)
        elif length == 0:
            break
        else:
            file.seek(max(0, length - 8), 1)
    return b""


def _size(header: bytes) -> tuple[int, int]:
    if len(header) < _HEADER_BYTES // 2:
        raise CorruptMedia("The picture is damaged: it ends before it says its size.")
    bits = _Bits(int.from_bytes(header, "little"))
    small = bool(bits.take(1))
    height = _side(bits, small)
    ratio = _RATIOS.get(bits.take(3))
    return (height * ratio[0] // ratio[1] if ratio else _side(bits, small)), height


def _side(bits: "_Bits", small: bool) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return bits.take(_BITS_OF_SIDE[bits.take(2)]) + 1


class _Bits:
    """A number that is read from its lowest bits on."""

    def __init__(self, value: int) -> None:
        self._value = value

    def take(self, count: int) -> int:
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        return taken
