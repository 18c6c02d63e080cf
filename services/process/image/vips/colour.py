"""From whatever a file holds to 8 bits of sRGB, with libvips and littleCMS."""

import pyvips

_DEEP = {"grey16": "b-w", "rgb16": "srgb"}


def srgb(image: pyvips.Image) -> pyvips.Image:
    """`image` with 8 bits a channel in sRGB. A broken profile counts as none."""
    if image.get_typeof("icc-profile-data"):
        try:
            return image.icc_transform(
                "srgb", embedded=True, intent="relative", black_point_compensation=True
            ).copy_memory()
        except pyvips.Error:
            image = image.copy()
            image.remove("icc-profile-data")
    if image.interpretation in _DEEP:
        image = _rounded(image)
    if image.interpretation == "srgb" and image.format == "uchar":
        return image
    return _inkless(image) if image.interpretation == "cmyk" else image.colourspace("srgb")


def _rounded(image: pyvips.Image) -> pyvips.Image:
    """16 bits as 8; libvips itself would take the upper 8, half a step too dark in the mean."""
    rounded = (image / 257).rint().cast("uchar")
    return rounded.copy(interpretation=_DEEP[image.interpretation])


def _inkless(image: pyvips.Image) -> pyvips.Image:
    """Inks of no known press, as browsers and Pillow show them: each takes away its own light."""
    light, paper = 255 - image.extract_band(0, n=3), 255 - image.extract_band(3)
    return (light * paper / 255).rint().cast("uchar").copy(interpretation="srgb")
