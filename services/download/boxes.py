"""ISO base media files: MP4 and its relatives, AVIF, HEIC, JPEG 2000, told by their brands."""

import struct
from typing import Final

from services.download.formats import (
    AVIF,
    GPP,
    GPP2,
    HEIC,
    HEIF,
    JP2,
    M4A,
    M4V,
    MP4,
    QUICKTIME,
    Media,
)

_JPEG2000: Final = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
# Files of the time before `ftyp` begin with one of these boxes.
_OLD_QUICKTIME: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

_BRANDS: Final[dict[bytes, Media]] = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis"), HEIC),
    **dict.fromkeys((b"hevc", b"hevx", b"hevm", b"hevs"), HEIC),
    **dict.fromkeys((b"jp2 ", b"jpx "), JP2),
    b"qt  ": QUICKTIME,
    **dict.fromkeys((b"M4V ", b"M4VH", b"M4VP"), M4V),
    **dict.fromkeys((b"M4A ", b"M4B "), M4A),
    **dict.fromkeys((b"mp41", b"mp42", b"mp71", b"isom", b"avc1", b"iso2", b"iso3"), MP4),
    **dict.fromkeys((b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"isoa"), MP4),
    **dict.fromkeys((b"f4v ", b"F4V ", b"MSNV", b"XAVC", b"dash", b"msdh", b"cmfc"), MP4),
}
# Pictures in a container that any codec may be in: the other brands say which.
_ANY_PICTURE: Final = (b"mif1", b"mif2", b"msf1")
_OTHERS: Final = (b"M4P ", b"F4A ", b"F4B ", b"crx ", b"mjp2", b"jpm ")


def media(head: bytes, size: int) -> Media | None:
    """The kind of the file, by its brands; None for protected sound, raw photos and what is no box."""
    start = 12 if head.startswith(_JPEG2000) else 0
    major, compatible = brands(head[start:])
    if major in _OTHERS:
        return None
    if major in _ANY_PICTURE:
        return _picture(compatible)
    if major:
        return _by_brand(major) or _first_known(compatible) or MP4
    return QUICKTIME if _is_old_quicktime(head, size) else None


def brands(head: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The major and the compatible brands of the `ftyp` box at the start; empty without one."""
    if head[4:8] != b"ftyp":
        return b"", ()
    (length,) = struct.unpack_from(">I", head)
    if length < 16 or not head[8:12].isascii():
        return b"", ()
    listed = head[16 : min(length, len(head))]
    return head[8:12], tuple(listed[at : at + 4] for at in range(0, len(listed) - 3, 4))


def _by_brand(brand: bytes) -> Media | None:
    if brand.startswith((b"3gp", b"3ge", b"3gr", b"3gs")):
        return GPP
    return GPP2 if brand.startswith(b"3g2") else _BRANDS.get(brand)


def _first_known(compatible: tuple[bytes, ...]) -> Media | None:
    return next((found for brand in compatible if (found := _by_brand(brand))), None)


def _picture(compatible: tuple[bytes, ...]) -> Media:
    found = {_BRANDS.get(brand) for brand in compatible}
    return next((codec for codec in (AVIF, HEIC) if codec in found), HEIF)


def _is_old_quicktime(head: bytes, size: int) -> bool:
    if head[4:8] not in _OLD_QUICKTIME:
        return False
    (length,) = struct.unpack_from(">I", head)
    return length in (0, 1) or 8 <= length <= size
