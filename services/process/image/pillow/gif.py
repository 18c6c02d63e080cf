"""The parts of a GIF (GIF89a specification), each cut out as a GIF of its own for Pillow to decode.

Pillow would put them together as well. But it fills with the palette's first colour what browsers
leave transparent, and takes what one frame says about its disposal for that of later ones.
"""

import io
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from services.process.image.pillow.canvas import Disposal, Part
from services.process.image.pillow.colour import eight_bit

# 4 is what some encoders write for 3, and browsers take it so.
_DISPOSALS = {2: Disposal.CLEARED, 3: Disposal.AS_BEFORE, 4: Disposal.AS_BEFORE}
_SCREEN = struct.Struct("<6sHHBBB")
_PLACE = struct.Struct("<HHHHB")
_CONTROL = struct.Struct("<BHB")
_HAS_TABLE = 0x80  # a flag
_CONTROL_LABEL = 0xF9
_UNCONTROLLED = bytes(_CONTROL.size)


def parts(image: Image.Image) -> Iterator[Part]:
    """Those of all frames; frames of no pixels are left out."""
    path = Path(image.filename)  # type: ignore[attr-defined]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for control, at in _frames(data):
            left, top, width, height, _ = _PLACE.unpack_from(data, at)
            if width and height:
                flags, hundredths, _ = _CONTROL.unpack(control)
                disposal = _DISPOSALS.get(flags >> 2 & 7, Disposal.NONE)
                alone = _decoded(_alone(data, control, at))
                yield Part(alone, (left, top), True, disposal, hundredths * 10)


def _decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=["GIF"]) as image:
        image.load()
        return eight_bit(image).convert("RGBA")


def _frames(data: mmap.mmap) -> Iterator[tuple[bytes, int]]:
    """Of each frame, what controls it, and where its descriptor begins."""
    at, control = _SCREEN.size + _table_bytes(data[10]), _UNCONTROLLED
    while at < len(data) and (kind := data[at : at + 1]) != b";":
        if kind == b",":
            yield control, at + 1
            at, control = _end(data, at + 1), _UNCONTROLLED
        elif kind == b"!":
            if data[at + 1] == _CONTROL_LABEL:
                control = data[at + 3 : at + 3 + _CONTROL.size].ljust(_CONTROL.size, b"\0")
            at = _after_blocks(data, at + 2)
        else:
            at += 1


def _alone(data: mmap.mmap, control: bytes, at: int) -> bytes:
    """The frame whose descriptor lies at `at` as a GIF that is as large as it."""
    signature, _, _, flags, ground, aspect = _SCREEN.unpack_from(data)
    _, _, width, height, own_flags = _PLACE.unpack_from(data, at)
    if own_flags & _HAS_TABLE:  # else Pillow takes a mixture of both, where its own are greys
        flags &= ~_HAS_TABLE
    table = data[_SCREEN.size : _SCREEN.size + _table_bytes(flags)]
    return b"".join(
        (
            _SCREEN.pack(signature, width, height, flags, ground, aspect) + table,
            bytes((0x21, _CONTROL_LABEL, _CONTROL.size)) + control + b"\0",
            b"," + _PLACE.pack(0, 0, width, height, own_flags),
            data[at + _PLACE.size : _end(data, at)] + b";",
        )
    )


def _end(data: mmap.mmap, at: int) -> int:
    """Where the frame ends whose descriptor lies at `at`."""
    return _after_blocks(data, at + _PLACE.size + _table_bytes(data[at + _PLACE.size - 1]) + 1)


def _table_bytes(flags: int) -> int:
    """Of the colours that follow."""
    return 3 << (flags & 7) + 1 if flags & _HAS_TABLE else 0


def _after_blocks(data: mmap.mmap, at: int) -> int:
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1
