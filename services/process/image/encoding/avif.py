"""AVIF, for every engine: Pillow's libavif and libaom take options that libvips cannot pass on.

At equal score and size they save a quarter of the encoder's time: see `docs/images.md`. Who
changes them raises `recipe.REVISION`.
"""

import io
from typing import Any

import PIL
from PIL import Image, features

from services.process.image.encoding.effort import HIGHEST, level
from services.process.image.engine import Target

_ONE_THREAD = {"max_threads": 1, "autotiling": False}
_ADVANCED = {
    "tune": "ssimulacra2",  # 3 % smaller than libavif's `iq` at the same score
    "disable-trellis-quant": "1",  # a quarter of the time for nothing that the score shows
}
_QUALITY_OF_TUNE = -2  # so that a quality gives the score that it gives with `iq`, and in libvips


def available() -> bool:
    """Whether this Pillow can write AVIF."""
    return features.check("avif") is True


def versions() -> str:
    """Who encodes, each with its version."""
    return f"pillow {PIL.__version__}, libavif {features.version('avif')}"


def options(target: Target) -> dict[str, Any]:
    """How Pillow is to save `target`."""
    return {
        "quality": max(1, target.quality + _QUALITY_OF_TUNE),
        "speed": HIGHEST - level("avif", target.effort),
        "subsampling": "4:4:4" if target.full_colour else "4:2:0",
        "advanced": _ADVANCED,
        **_ONE_THREAD,
    }


def encode(image: Image.Image, target: Target, exif: bytes = b"") -> bytes:
    """A picture (RGB or RGBA) as an AVIF file."""
    buffer = io.BytesIO()
    image.save(buffer, "AVIF", **options(target), **({"exif": exif} if exif else {}))
    return buffer.getvalue()
