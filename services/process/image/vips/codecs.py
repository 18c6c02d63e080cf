"""What libvips can read and write on this machine, and how it encodes."""

import importlib.metadata
from contextlib import suppress
from typing import Any

import pyvips
from PIL import Image

from services.process.image.encoding import avif
from services.process.image.encoding.effort import level, scaled
from services.process.image.engine import Format, Target

VERSION = f"vips {pyvips.version(0)}.{pyvips.version(1)}.{pyvips.version(2)}"
LOADERS = ("Jpeg", "Png", "Webp", "Heif", "Tiff")
SVG_LOADER = "Svg"
_SAVERS: dict[Format, str] = {
    "webp": "webpsave_buffer",
    "jpeg": "jpegsave_buffer",
    "png": "pngsave_buffer",
    "jxl": "jxlsave_buffer",
}


def confine(*, svg: bool) -> None:
    """Let libvips open no other formats than those here, and keep nothing between pictures.

    Of a file with a name, librsvg would load what lies beside it: drawings come from memory alone.
    """
    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in (*LOADERS, *([SVG_LOADER] if svg else [])):
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
    pyvips.operation_block_set(f"VipsForeignLoad{SVG_LOADER}File", True)


def writable() -> frozenset[Format]:
    """The formats that this libvips was built for."""
    own = frozenset(kind for kind, saver in _SAVERS.items() if _exists(saver))
    return own | {"avif"} if avif.available() else own


def _exists(operation: str) -> bool:
    return bool(pyvips.type_find("VipsOperation", operation))


def versions() -> str:
    """libvips, the wheel that brings its codecs where it comes from one, and Pillow.

    Pillow writes AVIF and scales watermarks. The codecs of a system's libvips are not known.
    """
    with suppress(importlib.metadata.PackageNotFoundError):
        wheel = importlib.metadata.version("pyvips-binary")
        return f"{VERSION}, pyvips-binary {wheel}, {avif.versions()}"
    return f"{VERSION}, {avif.versions()}"


def encode(image: pyvips.Image, target: Target, exif: bytes = b"") -> bytes:
    """A picture (sRGB, 8 bits, perhaps with alpha) as a file of the target's format."""
    carried = image
    if image.hasalpha() and target.ground is not None:
        carried = image.flatten(background=list(target.ground))
    if target.format == "avif":
        return avif.encode(_as_pillow(carried), target, exif)
    if exif:
        carried = _with_exif(carried, exif)
    save = getattr(carried, _SAVERS[target.format])
    data: bytes = save(keep="exif" if exif else "none", **_options(target))
    return data


def _as_pillow(image: pyvips.Image) -> Image.Image:
    mode = "RGBA" if image.hasalpha() else "RGB"
    return Image.frombuffer(mode, (image.width, image.height), image.write_to_memory())


def _with_exif(image: pyvips.Image, exif: bytes) -> pyvips.Image:
    """The pixels with this EXIF and nothing else: libvips would write what it had read too."""
    memory = image.write_to_memory()
    bare = pyvips.Image.new_from_memory(
        memory, image.width, image.height, image.bands, image.format
    )
    bare = bare.copy(interpretation=image.interpretation)
    bare.set_type(pyvips.GValue.blob_type, "exif-data", exif)
    return bare


def _options(target: Target) -> dict[str, Any]:
    kind, effort = target.format, target.effort
    if kind == "webp":
        lossy = {} if target.is_lossless else {"Q": target.quality}
        return {**lossy, "lossless": target.is_lossless, "effort": scaled(kind, effort, 6)}
    if kind == "jpeg":
        subsampling = "off" if target.full_colour else "auto"
        return {
            "Q": target.quality,
            "subsample_mode": subsampling,
            "interlace": True,
            "optimize_coding": True,
        }
    if kind == "jxl":
        return {"Q": target.quality, "effort": 1 + scaled(kind, effort, 8)}
    compression = max(1, level(kind, effort))
    return {"compression": compression, "filter": "sub" if compression <= 2 else "all"}
