"""Animations with Pillow: their frames one by one, how they run, and how they are written."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from services.process.image.encoding.avif_sequence import plays_of, settled
from services.process.image.engine import Format, Target
from services.process.image.pillow import apng, gif
from services.process.image.pillow.canvas import composed
from services.process.image.pillow.codecs import carried, options
from services.process.image.source.animation import has_picture_apart

_FORMATS = ("GIF", "PNG", "WEBP", "AVIF")  # in others, more frames are pages, or views
_UNSAID_MILLISECONDS = 100  # what browsers take for a frame that says 0
# A flag in WebP's extended header. libwebp leaves it out where each frame's own rectangle is opaque,
# and decoders then take what lies around it for opaque too; whole frames cannot be misread.
_WEBP_ALPHA = 0x10
# PNG has a frame's time in seconds as a fraction of two numbers of 16 bits.
_PNG_HIGHEST = 2**16 - 1
_PNG_UNITS = (1, 10, 1000)  # milliseconds


@dataclass(frozen=True, slots=True)
class Timing:
    """How an animation runs.

    Attributes:
        milliseconds: how long each frame is shown.
        plays: how often it runs; 0 for ever.
    """

    milliseconds: tuple[int, ...]
    plays: int


def first_of(image: Image.Image) -> int:
    """The first frame of the animation: a PNG may have a picture before it, for old viewers."""
    return 1 if getattr(image, "default_image", False) else 0


def frames_of(image: Image.Image) -> int:
    """How many frames the animation has; 1 if it is none."""
    if image.format not in _FORMATS or not getattr(image, "is_animated", False):
        return 1
    count: int = image.n_frames - first_of(image)  # type: ignore[attr-defined]
    return count


def frames(image: Image.Image) -> Iterator[tuple[Image.Image, int]]:
    """Each frame, whole, with the milliseconds that it is shown."""
    for frame, milliseconds in _shown(image):
        yield frame, round(milliseconds) or _UNSAID_MILLISECONDS


def opening(image: Image.Image) -> Image.Image:
    """What it begins with: the animation's first frame, whole; itself where there is none."""
    apart = first_of(image) and has_picture_apart(Path(image.filename))  # type: ignore[attr-defined]
    return next(frames(image))[0] if image.format == "GIF" or apart else image


def _shown(image: Image.Image) -> Iterator[tuple[Image.Image, float]]:
    first, count = first_of(image), frames_of(image)
    if image.format == "GIF":
        return islice(composed(image.size, gif.parts(image)), count)
    if isinstance(image, PngImageFile):
        return composed(image.size, apng.parts(image, range(first, first + count)))
    return _whole(image, count)


def _whole(image: Image.Image, count: int) -> Iterator[tuple[Image.Image, float]]:
    """As Pillow's decoder puts them together."""
    for number in range(count):
        image.seek(number)
        image.load()
        yield image.copy(), image.info.get("duration", 0)


def plays(image: Image.Image) -> int:
    """How often it runs; 0 for ever. A GIF says how often it is repeated, or nothing for once."""
    if image.format == "AVIF":
        return plays_of(Path(image.filename).read_bytes())  # type: ignore[attr-defined]
    loop = image.info.get("loop", 1 if image.format == "PNG" else None)
    if image.format == "GIF":
        return 1 if loop is None else loop and loop + 1
    return loop or 0


def encode_animation(
    stills: Sequence[Image.Image], timing: Timing, target: Target, exif: bytes = b""
) -> bytes:
    """All frames as one file."""
    alike = _alike([carried(still, target) for still in stills])
    saved_with = {
        "duration": _durations(timing, target.format),
        "loop": timing.plays,
        **options(target, exif),
    }
    data = _joined(alike, target, saved_with)
    if target.format == "avif":
        return settled(data, timing.plays)
    if target.format == "webp" and alike[0].mode == "RGBA" and not data[20] & _WEBP_ALPHA:
        return _joined(alike, target, {**saved_with, "kmin": 0, "kmax": 1})
    return data


def _durations(timing: Timing, kind: Format) -> list[int]:
    """How long each frame is shown, in milliseconds, as the format can say it."""
    if kind == "png":
        return [_said_in_png(duration) for duration in timing.milliseconds]
    return list(timing.milliseconds)


def _said_in_png(milliseconds: int) -> int:
    """Over 65 seconds to a hundredth of one, over 11 minutes to a second, and at most 18 hours."""
    fitting = (unit for unit in _PNG_UNITS if milliseconds <= unit * _PNG_HIGHEST)
    unit = next(fitting, _PNG_UNITS[-1])
    return min(round(milliseconds / unit), _PNG_HIGHEST) * unit


def _joined(stills: list[Image.Image], target: Target, saved_with: dict[str, Any]) -> bytes:
    first, *others = stills
    buffer = io.BytesIO()
    first.save(buffer, target.format, save_all=True, append_images=others, **saved_with)
    return buffer.getvalue()


def _alike(stills: list[Image.Image]) -> list[Image.Image]:
    """All of one mode."""
    if len({still.mode for still in stills}) == 1:
        return stills
    return [still.convert("RGBA") for still in stills]
