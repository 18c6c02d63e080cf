"""Whether a file is an animation, told by its bytes alone. Pure but for the reading."""

import struct
from collections.abc import Iterator
from itertools import groupby, takewhile
from pathlib import Path
from typing import BinaryIO

_GIF = (b"GIF87a", b"GIF89a")
_PNG = b"\x89PNG\r\n\x1a\n"
_APART = (b"acTL", b"IDAT", b"fcTL")  # it moves; a picture; a frame only after it
_WEBP_ANIMATES = 0x02  # a flag in its extended header
_SEQUENCE = b"avis"


def is_animation(source: Path) -> bool:
    """Whether it may have more than one frame, each shown for a while: GIF, APNG, WebP, AVIF."""
    with source.open("rb") as file:
        head = file.read(32)
        if head.startswith(_GIF):
            return True
        if head.startswith(_PNG):
            return b"acTL" in takewhile(lambda kind: kind != b"IDAT", _chunks(file))
        if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
            return bool(head[20] & _WEBP_ANIMATES)
        return head[4:8] == b"ftyp" and _SEQUENCE in (head[8:12], head[16:20], head[20:24])


def has_picture_apart(source: Path) -> bool:
    """Whether it is an animated PNG whose first picture is for old viewers, and no frame of it."""
    with source.open("rb") as file:
        if file.read(len(_PNG)) != _PNG:
            return False
        telling = (kind for kind in _chunks(file) if kind in _APART)
        in_order = (kind for kind, _ in groupby(telling))
        return all(next(in_order, None) == wanted for wanted in _APART)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The types of a PNG's chunks."""
    file.seek(len(_PNG))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        yield kind
        file.seek(length + 4, 1)
