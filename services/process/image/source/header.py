"""What the header of a picture says: its size, its colours, when and where it was taken."""

import datetime
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from services.process.image.geometry import LYING
from services.process.image.pillow.animation import frames_of
from services.process.image.pillow.codecs import readable
from services.process.image.pillow.misread import stored_as, stored_bits
from services.process.image.source.exif import exif_of, lies, orientation_of

_Tag, _Place = ExifTags.Base, ExifTags.GPS

_LONGEST_TEXT = 100  # characters of what a camera calls itself
_NAME_OF_FORMAT = {"MPO": "jpeg", "JPEG2000": "jp2"}
_BITS_OF_MODE = {"I;16": 16, "I;16B": 16, "I;16L": 16, "I": 16, "F": 32, "1": 1}
_SPACE_OF_MODE = {"1": "grey", "L": "grey", "LA": "grey", "I": "grey", "F": "grey", "CMYK": "cmyk"}


def header(source: Path, *, gps: bool) -> dict[str, Any]:
    """All of it as JSON, None for what it does not say; empty for a drawing, which has none.

    Args:
        gps: whether the place is told.
    """
    try:
        with Image.open(source, formats=readable()) as image:
            samples = _samples(image)  # first, for Pillow decodes a PNG to find EXIF behind it
            exif = exif_of(image)
            return {
                **_geometry(image),
                **samples,
                "frames": frames_of(image),
                **_camera(exif),
                "gps": _place(exif) if gps else None,
            }
    except Exception:  # it is a drawing, or damaged so that another decoder alone reads it
        return {}


def _geometry(image: Image.Image) -> dict[str, Any]:
    width, height = image.size[::-1] if lies(image) in LYING else image.size
    return {
        "width": width,
        "height": height,
        "format": _NAME_OF_FORMAT.get(image.format or "", (image.format or "").lower()),
        "orientation": orientation_of(image),
    }


def _samples(image: Image.Image) -> dict[str, Any]:
    return {
        "colourSpace": _space(image),
        "bitsPerChannel": _bits(image),
        "hasAlpha": image.has_transparency_data,
        "hasProfile": bool(image.info.get("icc_profile")),
    }


def _space(image: Image.Image) -> str:
    """Of a PNG that is grey with alpha and 16 bits, Pillow makes RGBA."""
    mode = "LA" if stored_as(image) == "LA;16B" else image.mode
    return _SPACE_OF_MODE.get(mode.partition(";")[0], "rgb")


def _bits(image: Image.Image) -> int:
    """Those of a colour, where what is stored are places in a palette."""
    stored = None if image.mode == "P" else stored_bits(image)
    return stored or _BITS_OF_MODE.get(image.mode, 8)


def _camera(exif: Image.Exif) -> dict[str, Any]:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    taken = details.get(_Tag.DateTimeOriginal) or exif.get(_Tag.DateTime)
    return {
        "takenAt": _moment(taken, details.get(_Tag.OffsetTimeOriginal)),
        "cameraMake": _text(exif.get(_Tag.Make)),
        "cameraModel": _text(exif.get(_Tag.Model)),
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


def _place(exif: Image.Exif) -> dict[str, float] | None:
    """Degrees, north and east positive; metres above the sea."""
    tags = exif.get_ifd(ExifTags.IFD.GPSInfo)
    with suppress(KeyError, TypeError, ValueError, ZeroDivisionError):
        place = {
            "latitude": _degrees(
                tags[_Place.GPSLatitude], negative=tags[_Place.GPSLatitudeRef] == "S"
            ),
            "longitude": _degrees(
                tags[_Place.GPSLongitude], negative=tags[_Place.GPSLongitudeRef] == "W"
            ),
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
        metres = round(float(tags[_Place.GPSAltitude]), 2)
        if abs(metres) < 1e6:
            below = tags.get(_Place.GPSAltitudeRef) in (1, b"\x01")
            return {"altitude": -metres if below else metres}
    return {}
