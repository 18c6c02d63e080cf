"""Whether a file is an animation, told by its bytes alone. Pure but for the reading."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_GIF = (b"GIF87a", b"GIF89a")
_PNG = b"\x89PNG\r\n\x1a\n"
_WEBP_ANIMATES = 0x02  # a flag in its extended header
_SEQUENCE = b"avis"


def is_animation(source: Path) -> bool:
    """Whether it may have more than one frame, each shown for a while: GIF, APNG, WebP, AVIF."""
    with source.open("rb") as file:
        head = file.read(32)
        if head.startswith(_GIF):
            return True
        if head.startswith(_PNG):
            return b"acTL" in _chunks_before_pixels(file)
        if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
            return bool(head[20] & _WEBP_ANIMATES)
        return head[4:8] == b"ftyp" and _SEQUENCE in (head[8:12], head[16:20], head[20:24])


def has_picture_apart(source: Path) -> bool:
    """Whether it is an animated PNG whose first picture is for old viewers, and no frame of it."""
    with source.open("rb") as file:
        if file.read(len(_PNG)) != _PNG:
            return False
        chunks = list(_chunks_before_pixels(file))
        return b"acTL" in chunks and b"fcTL" not in chunks


def _chunks_before_pixels(file: BinaryIO) -> Iterator[bytes]:
    """The types of a PNG's chunks, up to its first pixels."""
    file.seek(len(_PNG))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            return
        yield kind
        file.seek(length + 4, 1)
