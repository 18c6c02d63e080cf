"""What the first directory of a TIFF says of its samples, in words: for a refusal by name."""

from pathlib import Path

from PIL import TiffImagePlugin

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0")  # and of BigTIFF what Pillow knows
_HEAD_BYTES, _HEAD_BYTES_OF_BIG = 8, 16
_BITS, _MEANING, _FORMAT, _COUNT = 258, 262, 339, 277  # tags
_FORMATS = {1: "whole numbers", 2: "whole numbers with a sign", 3: "floating point"}
_MEANINGS = {0: "grey", 1: "grey", 2: "RGB", 8: "Lab", 9: "ICC's Lab"}


def is_tiff(source: Path) -> bool:
    """Whether the file begins like one."""
    with source.open("rb") as file:
        return file.read(4) in _MAGIC


def samples_of(source: Path) -> str | None:
    """Such as `RGB, 3 samples of 32 bits in floating point`; None if it is no TIFF, or damaged."""
    try:
        tags = _tags(source)
        meaning = _MEANINGS.get(tags[_MEANING], "other colours")
        bits, *_ = tags.get(_BITS, (1,))
        numbers, *_ = tags.get(_FORMAT, (1,))
    except Exception:  # whatever Pillow meets in it
        return None
    count = tags.get(_COUNT, 1)
    return f"{meaning}, {count} samples of {bits} bits in {_FORMATS.get(numbers, 'rare numbers')}"


def _tags(source: Path) -> TiffImagePlugin.ImageFileDirectory_v2:
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if b"+" in head[:4]:
            head += file.read(_HEAD_BYTES_OF_BIG - _HEAD_BYTES)
        tags = TiffImagePlugin.ImageFileDirectory_v2(head)
        file.seek(tags.next)
        tags.load(file)
    return tags
