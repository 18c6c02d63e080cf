"""What Pillow can read and write on this machine, and how it encodes."""

import io
from collections.abc import Callable
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


def encode(image: Image.Image, target: Target, exif: bytes = b"") -> bytes:
    """A picture (RGB or RGBA) as a file of the target's format."""
    buffer = io.BytesIO()
    carried(image, target).save(buffer, target.format, **options(target, exif))
    return buffer.getvalue()


def carried(image: Image.Image, target: Target) -> Image.Image:
    """Without transparency where the output has none."""
    if target.ground is None or image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, target.ground)
    return Image.alpha_composite(ground, image).convert("RGB")


def options(target: Target, exif: bytes) -> dict[str, Any]:
    """How Pillow is to save `target`, with this EXIF unless it is empty."""
    return {**_settings(target), **({"exif": exif} if exif else {})}


def _settings(target: Target) -> dict[str, Any]:
    kind, effort = target.format, target.effort
    quality = {} if target.is_lossless else {"quality": target.quality}
    if kind == "webp":
        return {**quality, "lossless": target.is_lossless, "method": scaled(kind, effort, 6)}
    if kind == "avif":
        return avif.options(target)
    if kind == "jpeg":
        subsampling = {"subsampling": 0} if target.full_colour else {}
        return {**quality, **subsampling, "progressive": True, "optimize": True}
    if kind == "jxl":
        return {**quality, "effort": 1 + scaled(kind, effort, 8), "num_threads": 1}
    return {"compress_level": max(1, level(kind, effort))}
