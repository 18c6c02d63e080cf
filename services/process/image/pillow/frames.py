"""Animations: their frames, one by one, with Pillow."""

from collections.abc import Iterator

from PIL import Image

_FORMATS = ("GIF", "PNG", "WEBP", "AVIF")  # in others, more frames are pages, or views
_UNSAID_MILLISECONDS = 100  # what browsers take for a frame that says 0


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
    first = first_of(image)
    for number in range(first, first + frames_of(image)):
        image.seek(number)
        image.load()
        yield image.copy(), round(image.info.get("duration", 0)) or _UNSAID_MILLISECONDS


def plays(image: Image.Image) -> int:
    """How often it runs; 0 for ever. A GIF says how often it is repeated, or nothing for once."""
    loop = image.info.get("loop", 1 if image.format == "PNG" else None)
    if image.format == "GIF":
        return 1 if loop is None else loop and loop + 1
    return loop or 0
