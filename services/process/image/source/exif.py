"""What of a source's metadata an output takes over: EXIF, read and written with Pillow.

By lists of what may come along: a TIFF has XMP, IPTC and the layout of its pixels among the same
tags, and whoever thinks of a new one may put a place or a name there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from PIL import ExifTags, Image

from services.process.image.engine import Metadata
from services.process.image.pillow.codecs import readable

_Tag = ExifTags.Base
_Tags = Mapping[int, Any]

_DETAILS: Final = ExifTags.IFD.Exif
_GPS: Final = ExifTags.IFD.GPSInfo
_HARMLESS: Final = frozenset({_Tag.Make, _Tag.Model, _Tag.Software, _Tag.DateTime})
_HARMLESS_DETAILS: Final = frozenset(
    {
        _Tag.ExifVersion, _Tag.DateTimeOriginal, _Tag.DateTimeDigitized,
        _Tag.OffsetTime, _Tag.OffsetTimeOriginal, _Tag.OffsetTimeDigitized,
        _Tag.SubsecTime, _Tag.SubsecTimeOriginal, _Tag.SubsecTimeDigitized,
        _Tag.ExposureTime, _Tag.FNumber, _Tag.ExposureProgram, _Tag.ExposureMode,
        _Tag.ExposureBiasValue, _Tag.ExposureIndex, _Tag.ShutterSpeedValue, _Tag.ApertureValue,
        _Tag.MaxApertureValue, _Tag.BrightnessValue, _Tag.MeteringMode,
        _Tag.ISOSpeedRatings, _Tag.SensitivityType, _Tag.StandardOutputSensitivity,
        _Tag.RecommendedExposureIndex, _Tag.ISOSpeed, _Tag.GainControl,
        _Tag.LightSource, _Tag.Flash, _Tag.WhiteBalance, _Tag.Contrast, _Tag.Saturation,
        _Tag.Sharpness, _Tag.SceneCaptureType, _Tag.SensingMethod,
        _Tag.SubjectDistance, _Tag.SubjectDistanceRange, _Tag.DigitalZoomRatio,
        _Tag.FocalLength, _Tag.FocalLengthIn35mmFilm,
        _Tag.LensSpecification, _Tag.LensMake, _Tag.LensModel,
    }
)  # fmt: skip
_NAMES: Final = frozenset(
    {
        _Tag.ImageDescription, _Tag.Artist, _Tag.Copyright, _Tag.HostComputer, _Tag.DocumentName,
        _Tag.XPTitle, _Tag.XPComment, _Tag.XPAuthor, _Tag.XPKeywords, _Tag.XPSubject,
    }
)  # fmt: skip
_OF_THE_PIXELS: Final = frozenset(
    {_Tag.ExifImageWidth, _Tag.ExifImageHeight, _Tag.ColorSpace, _Tag.ExifInteroperabilityOffset}
)
"""Details that are true of the source's file alone."""


def exif_of(image: Image.Image) -> Image.Exif:
    """What it says in EXIF alone; Pillow would take the orientation from XMP as well.

    Damaged EXIF counts as none, as in browsers: the picture may be fine.
    """
    for name in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(name, None)
    if image.format == "PNG" and "exif" not in image.info:
        image.load()  # as Pillow would, for EXIF behind the pixels; a fault of these is the picture's
    try:
        return image.getexif()
    except Exception:  # whatever Pillow meets in it
        return Image.Exif()


def orientation_of(image: Image.Image) -> int:
    """How its pixels lie in the file, 1 to 8.

    Those of a JPEG XL lie upright, whatever its EXIF says, unless a JPEG was packed into it.
    """
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1
    told = exif_of(image).get(_Tag.Orientation, 1)
    return int(told) if told in range(1, 9) else 1


def lies(image: Image.Image) -> int:
    """How its pixels lie as Pillow gives them, 1 to 8: those of a TIFF it turns itself."""
    return 1 if image.format == "TIFF" else orientation_of(image)


def taken_over(source: Path, wanted: Metadata) -> bytes:
    """The source's EXIF as an output carries it; empty if there is nothing."""
    if wanted == "none":
        return b""
    try:
        with Image.open(source, formats=readable()) as image:
            exif = exif_of(image)
            details, gps = exif.get_ifd(_DETAILS), exif.get_ifd(_GPS)
    except Exception:  # it is a drawing, or damaged so that another decoder alone reads it
        return b""
    if wanted == "exif":
        return _written(_only(exif, _HARMLESS), _only(details, _HARMLESS_DETAILS), {})
    told = {tag: value for tag, value in details.items() if tag not in _OF_THE_PIXELS}
    return _written(_only(exif, _HARMLESS | _NAMES), told, gps)


def _only(tags: _Tags, kept: frozenset[int]) -> _Tags:
    return {tag: value for tag, value in tags.items() if tag in kept}


def _written(main: _Tags, details: _Tags, gps: _Tags) -> bytes:
    """As a block of its own; empty if there is nothing, or if what was read cannot be written."""
    exif = Image.Exif()
    exif.update(main)
    exif.update({place: tags for place, tags in ((_DETAILS, details), (_GPS, gps)) if tags})
    try:
        return exif.tobytes() if len(exif) else b""
    except Exception:  # whatever Pillow meets in damaged EXIF
        return b""
