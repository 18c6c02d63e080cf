"""From whatever a file holds to 8 bits of sRGB, with Pillow and littleCMS."""

import io
from functools import lru_cache

from PIL import Image, ImageCms

from shared.errors import UnsupportedMedia

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_MODE_OF_SPACE = {"GRAY": "L", "CMYK": "CMYK"}  # of others RGB, or littleCMS refuses
_BRIGHTEST_OF_16_BIT = 65535
_SHARE_OF_8_BIT = 255 / _BRIGHTEST_OF_16_BIT


def eight_bit(image: Image.Image) -> Image.Image:
    """`image` as L, LA, RGB, RGBA or CMYK, so that it can be resampled."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_deep(image)
    if image.has_transparency_data:
        return _without_idle_alpha(image.convert("LA" if image.mode == "LA" else "RGBA"))
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Grey values of 16 or 32 bits. Floating point counts as 0 to 1 if no value is above 1.

    Raises:
        UnsupportedMedia: whole numbers below 0 or of more than 16 bits: who knows what is white?
    """
    deep = image if image.mode == "F" else image.convert("I").convert("F")
    lowest, highest = (float(value) for value in deep.getextrema())  # type: ignore[arg-type]
    if image.mode == "I" and not 0 <= lowest <= highest <= _BRIGHTEST_OF_16_BIT:
        raise UnsupportedMedia("The picture is of a rare kind: whole numbers beyond 16 bits.")
    unit = image.mode == "F" and highest <= 1.0
    scale = 255.0 if unit else _SHARE_OF_8_BIT
    return deep.point(lambda value: value * scale + 0.5).convert("L")


def _without_idle_alpha(image: Image.Image) -> Image.Image:
    """Without its alpha channel if nothing is transparent."""
    if image.getchannel("A").getextrema() == (255, 255):
        return image.convert(image.mode[:-1])
    return image


def srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` (as from `eight_bit`) as RGB or RGBA in sRGB. A broken profile counts as none."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    converted = _by_profile(image, profile) if profile else None
    colours = converted or image.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """As RGB; None if the profile is broken, of other colours than the image, or changes nothing."""
    try:
        mode, transform = _transform(profile)
        if transform is None or (mode == "CMYK") != (image.mode == "CMYK"):
            return None
        return ImageCms.applyTransform(image.convert(mode), transform)
    except (ImageCms.PyCMSError, OSError):
        return None


@lru_cache(maxsize=8)
def _transform(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """The mode that the profile is for, and the way from there to sRGB; None if it is sRGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = _MODE_OF_SPACE.get(source.profile.xcolor_space.strip(), "RGB")
    target = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(source, target, mode, "RGB", _INTENT, _FLAGS)
    return mode, None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether no colour of a coarse palette changes visibly: most profiles are sRGB by any name."""
    levels = range(0, 256, 51)
    palette = bytes(value for r in levels for g in levels for b in levels for value in (r, g, b))
    before = Image.frombytes("RGB", (len(palette) // 3, 1), palette)
    after = ImageCms.applyTransform(before, transform)
    assert after is not None, "it would be, were it done in place"
    return all(abs(a - b) <= 1 for a, b in zip(palette, after.tobytes(), strict=True))
