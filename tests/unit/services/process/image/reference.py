"""What a file looks like, by another path than the engines': Pillow, littleCMS and numpy straight.

What is put together of parts, GIF and animated PNG, is so by `moving.py`.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from tests.unit.services.process.image.moving import all_frames


def reference(source: Path) -> Image.Image:
    """The first frame as RGBA: upright, in sRGB."""
    with Image.open(source) as image:
        for xmp in ("xmp", "XML:com.adobe.xmp"):
            image.info.pop(xmp, None)
        if image.format == "GIF" or ("loop" in image.info and image.format == "PNG"):
            upright = Image.fromarray(all_frames(source)[0].astype(np.uint8), "RGBA")
        else:
            image.load()
            upright = ImageOps.exif_transpose(image)
    return _in_srgb(upright, image.info.get("icc_profile"))


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_deep(image)
    if image.has_transparency_data and image.mode != "RGBA":
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    opaque = image if image.mode in ("CMYK", "L") else image.convert("RGB")
    coloured = _by_profile(opaque, profile) if profile else opaque.convert("RGB")
    coloured.putalpha(alpha or 255)
    return coloured


def _from_deep(image: Image.Image) -> Image.Image:
    grey = np.asarray(image).astype(np.float64) / 257
    return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGBA")


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:
        return image.convert("RGB")
    assert converted is not None
    return converted
