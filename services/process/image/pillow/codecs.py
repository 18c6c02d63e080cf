"""What Pillow can read and write on this machine, and how it encodes."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

import PIL
from PIL import Image, features

from services.process.image.encoding import avif
from services.process.image.encoding.effort import level, scaled
from services.process.image.engine import Format, Target

VERSION = f"pillow {PIL.__version__}"
READS = (
    "JPEG",
    "MPO",
    "PNG",
    "WEBP",
    "AVIF",
    "GIF",
    "TIFF",
    "BMP",
    "ICO",
    "JPEG2000",
    "HEIF",
    "JXL",
)
_LIBRARIES = (
    *("jpg", "libjpeg_turbo", "jpg_2000", "zlib", "zlib_ng", "libtiff", "webp", "avif"),
    "littlecms2",
)
# A flag in WebP's extended header. libwebp leaves it out where each frame's own rectangle is opaque,
# and decoders then take what lies around it for opaque too; whole frames cannot be misread.
_WEBP_ALPHA = 0x10
# PNG has a frame's time in seconds as a fraction of two numbers of 16 bits.
_PNG_HIGHEST = 2**16 - 1
_PNG_UNITS = (1, 10, 1000)  # milliseconds


@dataclass(frozen=True, slots=True)
class _Plugin:
    """An extra.

    Attributes:
        prepare: what is done with it once it is loaded, so that Pillow knows it.
    """

    module: str
    distribution: str
    prepare: Callable[[Any], None]

    @property
    def version(self) -> str:
        return f"{self.distribution} {metadata.version(self.distribution)}"


def _use_one_thread(pillow_jxl: Any) -> None:
    pillow_jxl.JpegXLImagePlugin.DECODE_THREADS = 0


_PLUGINS = (
    _Plugin("pillow_heif", "pillow-heif", lambda module: module.register_heif_opener()),
    _Plugin("pillow_jxl", "pillow-jxl-plugin", _use_one_thread),
)


def load_codecs() -> None:
    """Load all that there are, so that the first picture does not wait for them."""
    Image.init()
    for plugin in _PLUGINS:
        if find_spec(plugin.module):
            plugin.prepare(import_module(plugin.module))


def readable() -> list[str]:
    """Pillow's names of the formats that it may open."""
    return [name for name in READS if name in Image.OPEN]


def writable() -> frozenset[Format]:
    """The formats that Pillow can write here; JPEG XL takes the extra `jxl`."""
    formats: tuple[Format, ...] = ("webp", "avif", "jpeg", "png", "jxl")
    return frozenset(kind for kind in formats if kind.upper() in Image.SAVE)


def versions() -> str:
    """Pillow, its libraries, and the plugins that are loaded, each with its version."""
    libraries = (f"{name} {features.version(name)}" for name in _LIBRARIES)
    plugins = (plugin for plugin in _PLUGINS if find_spec(plugin.module))
    return ", ".join([VERSION, *libraries, *(plugin.version for plugin in plugins)])


@dataclass(frozen=True, slots=True)
class Timing:
    """How an animation runs.

    Attributes:
        milliseconds: how long each frame is shown.
        plays: how often it runs; 0 for ever.
    """

    milliseconds: tuple[int, ...]
    plays: int


def encode(image: Image.Image, target: Target, exif: bytes = b"") -> bytes:
    """A picture (RGB or RGBA) as a file of the target's format."""
    buffer = io.BytesIO()
    _carried(image, target).save(buffer, target.format, **_options(target, exif))
    return buffer.getvalue()


def encode_animation(
    frames: Sequence[Image.Image], timing: Timing, target: Target, exif: bytes = b""
) -> bytes:
    """All frames as one file. AVIF has no number of plays here: it runs for ever."""
    alike = _alike([_carried(frame, target) for frame in frames])
    options = {
        "duration": _durations(timing, target.format),
        "loop": timing.plays,
        **_options(target, exif),
    }
    data = _joined(alike, target, options)
    if target.format == "webp" and alike[0].mode == "RGBA" and not data[20] & _WEBP_ALPHA:
        return _joined(alike, target, {**options, "kmin": 0, "kmax": 1})
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


def _joined(frames: list[Image.Image], target: Target, options: dict[str, Any]) -> bytes:
    first, *others = frames
    buffer = io.BytesIO()
    first.save(buffer, target.format, save_all=True, append_images=others, **options)
    return buffer.getvalue()


def _alike(frames: list[Image.Image]) -> list[Image.Image]:
    """All of one mode."""
    if len({frame.mode for frame in frames}) == 1:
        return frames
    return [frame.convert("RGBA") for frame in frames]


def _carried(image: Image.Image, target: Target) -> Image.Image:
    """Without transparency where the output has none."""
    if target.ground is None or image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, target.ground)
    return Image.alpha_composite(ground, image).convert("RGB")


def _options(target: Target, exif: bytes) -> dict[str, Any]:
    return {**_effort(target), **({"exif": exif} if exif else {})}


def _effort(target: Target) -> dict[str, Any]:
    kind, effort = target.format, target.effort
    quality = {} if kind == "png" else {"quality": target.quality}
    if kind == "webp":
        return {**quality, "method": scaled(kind, effort, 6)}
    if kind == "avif":
        return avif.options(target)
    if kind == "jpeg":
        return {**quality, "progressive": True, "optimize": True}
    if kind == "jxl":
        return {**quality, "effort": 1 + scaled(kind, effort, 8), "num_threads": 1}
    return {"compress_level": max(1, level(kind, effort))}
