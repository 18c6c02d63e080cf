"""What of a source's metadata an output takes over: EXIF, read and written with Pillow."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.process.image.engine import Metadata

if TYPE_CHECKING:
    from PIL import Image

_ORIENTATION: Final = 0x0112  # is applied to the pixels
_DETAILS: Final = 0x8769
_GPS: Final = 0x8825
_HIDEOUTS: Final = (0x927C, 0x9286, 0xA430, 0xA431, 0xA435)
"""Maker note, user comment, owner and serial numbers: places where places and people are told."""


def taken_over(source: Path, wanted: Metadata) -> bytes:
    """The source's EXIF as an output carries it; empty if there is nothing."""
    if wanted == "none":
        return b""
    from PIL import Image

    from services.process.image.pillow_codecs import readable

    try:
        with Image.open(source, formats=readable()) as image:
            exif = image.getexif()
    except (OSError, ValueError, SyntaxError):
        return b""
    exif.pop(_ORIENTATION, None)
    if wanted == "exif":
        _forget_places(exif)
    return exif.tobytes() if len(exif) else b""


def _forget_places(exif: "Image.Exif") -> None:
    exif.pop(_GPS, None)
    details = exif.get_ifd(_DETAILS)
    for tag in _HIDEOUTS:
        details.pop(tag, None)
