"""Animations made byte by byte, since Pillow writes them only in ways of its own."""

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

HUNDREDTHS = 7
SCREEN = (12, 8)
_COLOURS = [(200, 30, 30), (30, 200, 40), (30, 40, 220), (250, 250, 250)]
TRANSPARENT = 9
GROUND = 3  # a colour of the palette that nothing is to be cleared to


@dataclass(frozen=True)
class Part:
    """One frame's own pixels, and what becomes of them.

    Attributes:
        image: of the file's mode; for a GIF, indices.
        disposal: as the file has it.
        over: APNG's blending.
    """

    image: Image.Image
    at: tuple[int, int]
    disposal: int
    over: bool = True


def apng(path: Path, parts: Sequence[Part], before: Image.Image | None = None) -> Path:
    """An animated PNG, with a picture `before` it for viewers that know none."""
    shown = before or parts[0].image
    header, *others = _chunks(shown)
    shared = [chunk for chunk in others if chunk[0] in (b"PLTE", b"tRNS")]
    written = [header, (b"acTL", struct.pack(">II", len(parts), 0)), *shared]
    if before:
        written += _pixels(before)
    count = 0
    for number, part in enumerate(parts):
        told = (*part.image.size, *part.at, HUNDREDTHS, 100, part.disposal, part.over)
        written.append((b"fcTL", struct.pack(">IIIIIHHBB", count, *told)))
        count += 1
        if not (number or before):
            written += _pixels(part.image)
            continue
        for _, body in _pixels(part.image):
            written.append((b"fdAT", struct.pack(">I", count) + body))
            count += 1
    path.write_bytes(png([*written, (b"IEND", b"")]))
    return path


def _chunks(image: Image.Image) -> list[tuple[bytes, bytes]]:
    file, found, at = io.BytesIO(), [], 8
    image.save(file, "PNG")
    data = file.getvalue()
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += length + 12
    return found


def _pixels(image: Image.Image) -> list[tuple[bytes, bytes]]:
    return [chunk for chunk in _chunks(image) if chunk[0] == b"IDAT"]


def png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks, the last with its end."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def gif(path: Path, parts: Sequence[Part], transparent: int | None = TRANSPARENT) -> Path:
    """An animated GIF with one palette of 128 colours, which says that `GROUND` is its ground."""
    table = b"".join(bytes(colour) for colour in _COLOURS).ljust(3 * 128, b"\x55")
    written = [b"GIF89a", struct.pack("<HHBBB", *SCREEN, 0x86, GROUND, 0), table]
    written.append(b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
    for part in parts:
        flags = part.disposal << 2 | (transparent is not None)
        control = struct.pack("<BHBB", flags, HUNDREDTHS, transparent or 0, 0)
        written.append(b"!\xf9\x04" + control)
        written.append(struct.pack("<sHHHHB", b",", *part.at, *part.image.size, 0))
        written.append(_packed(part.image.tobytes()))
    path.write_bytes(b"".join([*written, b";"]))
    return path


def _packed(indices: bytes) -> bytes:
    """LZW of 7 bits that begins anew before its codes, here bytes, would need more than 8."""
    codes = (
        b"".join(b"\x80" + indices[at : at + 100] for at in range(0, len(indices), 100)) + b"\x81"
    )
    blocks = [codes[at : at + 255] for at in range(0, len(codes), 255)]
    return b"\x07" + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"


def indexed(size: tuple[int, int], index: int, hole: bool = True) -> Image.Image:
    """Of one colour, with a transparent column."""
    indices = np.full((size[1], size[0]), index, np.uint8)
    if hole:
        indices[:, size[0] // 2] = TRANSPARENT
    return Image.fromarray(indices)


def shaded(size: tuple[int, int], colour: tuple[int, int, int]) -> Image.Image:
    """Of one colour, less and less transparent from left to right."""
    image = Image.new("RGBA", size, colour)
    alphas = np.linspace(0, 255, size[0]).round().astype(np.uint8)
    image.putalpha(Image.fromarray(np.tile(alphas, (size[1], 1))))
    return image
