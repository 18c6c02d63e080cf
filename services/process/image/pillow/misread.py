"""Pictures that Pillow opens and then shows wrong: refused by name, for libvips to show them."""

import re
from typing import Any

from PIL import Image

from shared.errors import UnsupportedMedia

_MEANING, _WHITE_IS_ZERO = 262, 0


def refuse(image: Image.Image) -> None:
    """Raise `UnsupportedMedia` for one of these."""
    if (kind := _kind(image)) is not None:
        raise UnsupportedMedia(f"The picture is of a rare kind: {kind}.")


def _kind(image: Image.Image) -> str | None:
    if "transparency" in image.info and stored_bits(image) == 16:
        return "a PNG of 16 bits with a transparent colour"  # compared by 8 bits of it
    if image.format != "TIFF":
        return None
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    if image.mode == "I;16" and tags.get(_MEANING) == _WHITE_IS_ZERO:
        return "a TIFF of 16 bits whose 0 is white"  # shown as a negative
    return None


def stored_bits(image: Image.Image) -> int | None:
    """Bits of each sample in a PNG or a TIFF, told by how Pillow unpacks them; None: as its mode."""
    found = re.search(r";(\d+)", stored_as(image))
    return int(found[1]) if found else None


def stored_as(image: Image.Image) -> str:
    """Pillow's name for the samples in the file of a PNG or a TIFF, such as `RGB;16B`."""
    tiles: Any = getattr(image, "tile", None)
    if image.format not in ("PNG", "TIFF") or not tiles:
        return ""
    given = tiles[0].args
    return given if isinstance(given, str) else str(given[0])
