"""What a file says about itself, read from its header with Pillow."""

import datetime
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.process.image.engine import Pixels
from services.process.image.geometry import LYING
from services.process.image.readings.likeness import likeness

if TYPE_CHECKING:
    from PIL import Image

SIDE_PIXELS = 72
_LONGEST_TEXT = 100  # characters of what a camera calls itself
_EXIF, _GPS = 0x8769, 0x8825
_MAKE, _MODEL, _CHANGED = 0x010F, 0x0110, 0x0132
_TAKEN, _TAKEN_OFFSET = 0x9003, 0x9011
_DEEP = {"I;16": 16, "I;16B": 16, "I;16L": 16, "I": 16, "F": 32, "1": 1}
_SPACES = {"1": "grey", "L": "grey", "LA": "grey", "I": "grey", "F": "grey", "CMYK": "cmyk"}


@dataclass(frozen=True, slots=True)
class Metadata:
    """Dimensions, format, orientation, date, camera, and a perceptual hash.

    Attributes:
        gps: whether the place is told.
    """

    gps: bool

    def __call__(self, pixels: Pixels, source: Path) -> dict[str, Any]:
        """See `Reader`; what the file does not say is left out."""
        told = {**_header(source, gps=self.gps), "perceptualHash": likeness(pixels)}
        return {name: value for name, value in told.items() if value is not None}


def _header(source: Path, *, gps: bool) -> dict[str, Any]:
    from PIL import Image

    from services.process.image.pillow.animation import frames_of
    from services.process.image.pillow.codecs import readable
    from services.process.image.source.exif import exif_of, orientation_of

    try:
        with Image.open(source, formats=readable()) as image:
            exif = exif_of(image)
            return {
                **_geometry(image, orientation_of(image)),
                "frames": frames_of(image),
                **_camera(exif),
                "gps": _place(exif) if gps else None,
            }
    except (OSError, ValueError, SyntaxError):
        return {}  # a drawing, which has no header of this kind


def _geometry(image: "Image.Image", orientation: int) -> dict[str, Any]:
    width, height = image.size[::-1] if orientation in LYING else image.size
    return {
        "width": width,
        "height": height,
        "format": _FORMATS.get(image.format or "", (image.format or "").lower()),
        "orientation": orientation,
        "colourSpace": _SPACES.get(image.mode.partition(";")[0], "rgb"),
        "bitsPerChannel": _DEEP.get(image.mode, 8),
        "hasAlpha": image.has_transparency_data,
        "hasProfile": bool(image.info.get("icc_profile")),
    }


_FORMATS = {"MPO": "jpeg", "JPEG2000": "jp2"}


def _camera(exif: "Image.Exif") -> dict[str, Any]:
    details = exif.get_ifd(_EXIF)
    return {
        "takenAt": _moment(details.get(_TAKEN) or exif.get(_CHANGED), details.get(_TAKEN_OFFSET)),
        "cameraMake": _text(exif.get(_MAKE)),
        "cameraModel": _text(exif.get(_MODEL)),
    }


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    seen = "".join(letter for letter in value if letter.isprintable()).strip()
    return seen[:_LONGEST_TEXT] or None


def _moment(value: object, offset: object) -> str | None:
    """EXIF's date as ISO 8601; without a time zone unless the camera wrote one."""
    with suppress(ValueError, TypeError):
        local = datetime.datetime.strptime(str(value).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the camera's own time
        with suppress(ValueError):
            zone = datetime.datetime.strptime(str(offset), "%z").tzinfo
            return local.replace(tzinfo=zone).isoformat()
        return local.isoformat()
    return None


def _place(exif: "Image.Exif") -> dict[str, float] | None:
    """Degrees, north and east positive; metres above the sea."""
    tags = exif.get_ifd(_GPS)
    with suppress(KeyError, TypeError, ValueError, ZeroDivisionError):
        place = {
            "latitude": _degrees(tags[2], negative=tags[1] == "S"),
            "longitude": _degrees(tags[4], negative=tags[3] == "W"),
        }
        return {**place, **_altitude(tags)}
    return None


def _degrees(parts: Any, *, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = round(degrees + minutes / 60 + seconds / 3600, 7)
    if not value <= 180:  # a number that is none is no place either
        raise ValueError(value)
    return -value if negative else value


def _altitude(tags: Mapping[int, Any]) -> dict[str, float]:
    with suppress(KeyError, TypeError, ValueError, ZeroDivisionError):
        metres = round(float(tags[6]), 2)
        if abs(metres) < 1e6:
            return {"altitude": -metres if tags.get(5) in (1, b"\x01") else metres}
    return {}
