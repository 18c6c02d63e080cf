"""Cameras' raw photos that are TIFF files by their first bytes: DNG, and makers' own kinds."""

import struct
from collections.abc import Iterator
from typing import Final

_ORDERS: Final = {b"II*\x00": "<", b"MM\x00*": ">"}
_DNG_VERSION: Final = 0xC612
_MAKE: Final = 0x010F
_SUB_IFDS: Final = 0x014A  # where they keep the sensor's pixels, beside a preview
_MAKERS: Final = (b"nikon", b"sony", b"pentax", b"ricoh", b"samsung", b"hasselblad", b"epson")
_ENTRY: Final = 12


def is_raw(head: bytes) -> bool:
    """Whether the first directory of the TIFF that begins with `head` is a raw photo's."""
    if head[8:10] == b"CR":  # Canon's
        return True
    tags = dict(_tags(head))
    if _DNG_VERSION in tags:
        return True
    make = tags.get(_MAKE, b"").lower()
    return _SUB_IFDS in tags and make.startswith(_MAKERS)


def _tags(head: bytes) -> Iterator[tuple[int, bytes]]:
    """The first directory's tags, each with what its value points to, as far as `head` goes."""
    order = _ORDERS.get(head[:4])
    if order is None or len(head) < 10:
        return
    (start,) = struct.unpack_from(order + "I", head, 4)
    if start + 2 > len(head):
        return
    (count,) = struct.unpack_from(order + "H", head, start)
    for at in range(start + 2, min(start + 2 + count * _ENTRY, len(head) - _ENTRY + 1), _ENTRY):
        tag, _, _, value = struct.unpack_from(order + "HHII", head, at)
        yield tag, head[value : value + 16]
