"""Whether an AVI file is shorter than it says: one that was cut off as it was written or sent."""

import os
from pathlib import Path

_HEAD_BYTES = 8  # of each chunk: its name, and how many bytes follow


def riff_cut_off(source: Path) -> bool:
    """Whether the file ends before its last RIFF chunk does.

    Also where that has no size yet, as when it was not written to its end. Large files have
    several such chunks one behind the other (OpenDML).
    """
    with source.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        place = 0
        while place < end:
            file.seek(place)
            head = file.read(_HEAD_BYTES)
            if head[:4] != b"RIFF":
                return False
            size = int.from_bytes(head[4:], "little")
            if not size:
                return True
            place += _HEAD_BYTES + size
    return place > end
