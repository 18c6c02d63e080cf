"""Media whose kind takes more than a look at the first bytes to tell."""

import codecs
import struct
from collections.abc import Callable
from typing import Final

from services.download import boxes, ebml
from services.download.formats import (
    AVI,
    BMP,
    ICO,
    MP3,
    MPEG_PS,
    MPEG_TS,
    OGG,
    OGG_SOUND,
    SVG,
    TIFF,
    WAV,
    WEBP,
    Media,
)

Container = Callable[[bytes, int], Media | None]

_RIFF: Final = {b"WEBP": WEBP, b"AVI ": AVI, b"WAVE": WAV}
_TIFF: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_OGG_VIDEO: Final = (b"\x80theora", b"\x01video\x00", b"BBCD\x00", b"OVP80", b"\x80daala")
_OGG_SOUND: Final = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC", b"Speex   ")
# MPEG 1, 2 and 2.5, layer III, with a checksum and without.
_MP3: Final = tuple(bytes((0xFF, second)) for second in (0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3))
_SHORTEST_MP3_FRAME: Final = 24
_LONGEST_MP3_FRAME: Final = 1441
# Sizes of the header that follows a bitmap's first 14 bytes, from OS/2 1.x to version 5.
_BMP_HEADERS: Final = range(12, 125)


def riff(head: bytes, size: int) -> Media | None:
    """WebP, AVI and wave files."""
    return _RIFF.get(head[8:12]) if head.startswith(b"RIFF") else None


def tiff(head: bytes, size: int) -> Media | None:
    """TIFF and BigTIFF; cameras' raw photos begin so too, which `raw` tells."""
    return TIFF if head.startswith(_TIFF) else None


def bitmap(head: bytes, size: int) -> Media | None:
    """Windows and OS/2 bitmaps: two letters alone would take in texts that begin with BM."""
    if not head.startswith(b"BM") or len(head) < 26:
        return None
    (header,) = struct.unpack_from("<I", head, 14)
    return BMP if header in _BMP_HEADERS else None


def icon(head: bytes, size: int) -> Media | None:
    """Icons: a list of pictures, of which the first must lie inside the file."""
    if not head.startswith(b"\x00\x00\x01\x00") or len(head) < 22:
        return None
    count, length, offset = struct.unpack_from("<4xH8xII", head)
    listed = 6 + 16 * count
    return ICO if count and length and listed <= offset < size and head[9] == 0 else None


def transport_stream(head: bytes, size: int) -> Media | None:
    """MPEG-TS: packets of one length, plain, with 4 bytes before, or with 16 after each."""
    found = any(
        _are_packets(head[first::packet][:8], head[first + 3 :: packet][:8])
        for first, packet in ((0, 188), (4, 192), (0, 204))
    )
    return MPEG_TS if found else None


def _are_packets(syncs: bytes, controls: bytes) -> bool:
    """Whether each packet begins with a sync byte and says what it contains: at least three."""
    payloads = all(control & 0x30 for control in controls)
    return len(syncs) >= 3 and set(syncs) == {0x47} and payloads


def program_stream(head: bytes, size: int) -> Media | None:
    """MPEG-PS: a pack header, whose marker bits tell MPEG-1 and MPEG-2 from chance."""
    if not head.startswith(b"\x00\x00\x01\xba") or len(head) < 12:
        return None
    return MPEG_PS if head[4] & 0xC4 == 0x44 or head[4] & 0xF1 == 0x21 else None


def ogg(head: bytes, size: int) -> Media | None:
    """OGG: its first pages say what streams there are."""
    if not head.startswith(b"OggS"):
        return None
    if any(codec in head for codec in _OGG_VIDEO):
        return OGG
    return OGG_SOUND if any(codec in head for codec in _OGG_SOUND) else None


def mp3(head: bytes, size: int) -> Media | None:
    """MP3 without a tag in front: the head of a frame, and the same of the next one."""
    if not head.startswith(_MP3):
        return None
    following = head[_SHORTEST_MP3_FRAME : _LONGEST_MP3_FRAME + 2]
    return MP3 if head[:2] in following else None


def drawing(head: bytes, size: int) -> Media | None:
    """SVG, in the encodings that ASCII is part of; a web page with a drawing in it is none."""
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    begins = start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg"))
    return SVG if begins and b"<svg" in start and b"<html" not in start else None


ALL: Final[tuple[Container, ...]] = (
    boxes.media,
    ebml.media,
    riff,
    tiff,
    bitmap,
    icon,
    transport_stream,
    program_stream,
    ogg,
    mp3,
    drawing,
)
