"""WebM and Matroska: EBML files, which name their document type in their header."""

from typing import Final

from services.download.formats import MATROSKA, WEBM, Media

_EBML: Final = b"\x1a\x45\xdf\xa3"
_DOC_TYPE: Final = b"\x42\x82"
_TYPES: Final = {b"webm": WEBM, b"matroska": MATROSKA}


def media(head: bytes, size: int) -> Media | None:
    """The film that an EBML header announces."""
    if not head.startswith(_EBML):
        return None
    length, place = _number(head, 4)
    return _TYPES.get(_doc_type(head[place : place + length]).rstrip(b"\x00"))


def _doc_type(header: bytes) -> bytes:
    """The content of the header's DocType element."""
    place = 0
    while place < len(header):
        identifier = header[place : place + _width(header[place])]
        length, content = _number(header, place + len(identifier))
        if identifier == _DOC_TYPE:
            return header[content : content + length]
        place = content + length
    return b""


def _width(first: int) -> int:
    """How many bytes a number takes: one more than there are zero bits before the first one."""
    return 9 - first.bit_length()


def _number(data: bytes, place: int) -> tuple[int, int]:
    """The number of variable width at `place`, and the place after it."""
    if place >= len(data):
        return 0, len(data)
    width = _width(data[place])
    number = int.from_bytes(data[place : place + width], "big")
    return number & ~(1 << 7 * width), place + width
