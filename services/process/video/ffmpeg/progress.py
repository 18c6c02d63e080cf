"""How far ffmpeg is, from what it writes to `-progress`."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One report.

    Attributes:
        seconds: how much of the film is in all outputs that are not finished, at the end in the
            longest; never less than in the report before.
            Newer versions tell nothing (0) until each output has something: captions may begin
            late, and a sheet of pictures is one picture at the end.
        frames: how many pictures are in the first output that has any.
        elapsed: seconds since ffmpeg began.
    """

    seconds: float
    frames: int
    elapsed: float

    def reached(self, rate: float) -> float:
        """Seconds of the film that are made.

        Args:
            rate: pictures per second of the first output that has any; 0 if not known.
        """
        return max(self.seconds, self.frames / rate if rate else 0.0)


async def reports(lines: asyncio.StreamReader) -> AsyncIterator[Progress]:
    """The reports among `lines`, each being a block of `key=value` that ends with `progress`."""
    block: dict[str, str] = {}
    seconds, begun = 0.0, time.monotonic()
    async for line in lines:
        key, _, value = line.decode(errors="replace").partition("=")
        block[key.strip()] = value.strip()
        if key == "progress":
            seconds = max(seconds, (_number(block.get("out_time_us")) or 0.0) / 1e6)
            frames = int(_number(block.get("frame")) or 0)
            yield Progress(seconds, frames, time.monotonic() - begun)
            block = {}


def _number(text: str | None) -> float | None:
    """What `text` says, if it is a number: ffmpeg writes `N/A` as long as it does not know."""
    try:
        return max(0.0, float(text or ""))
    except ValueError:
        return None
