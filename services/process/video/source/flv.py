"""Whether an FLV file ends within one of its tags: ffmpeg reads up to there, and says nothing."""

import os
from pathlib import Path

_FLAW = "the file ends within a tag"
_FIRST_TAG = 13  # bytes in front of it
_HEAD_BYTES = 11  # of each tag; after a tag, its size stands once more
_SIZE_BYTES = 4
_TYPES = {8, 9, 18}  # sound, pictures, data


def flaw_of(source: Path) -> str:
    """What is wrong with the end of that FLV file; nothing where a whole tag is there."""
    with source.open("rb") as file:
        end = file.seek(0, os.SEEK_END) - _SIZE_BYTES
        if end < _FIRST_TAG:
            return _FLAW
        file.seek(end)
        size = int.from_bytes(file.read(_SIZE_BYTES))
        if end - size < _FIRST_TAG:
            return _FLAW
        file.seek(end - size)
        kind, *length = file.read(_SIZE_BYTES)
    whole = kind & 0x1F in _TYPES and int.from_bytes(length) == size - _HEAD_BYTES
    return "" if whole else _FLAW
