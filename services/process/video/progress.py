"""How far ffmpeg is, from what it writes to `-progress`."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One report.

    Attributes:
        seconds: how much of the film is encoded; never less than in the report before.
        speed: seconds of film per second; None while it is not known.
        frames: how many pictures are encoded.
    """

    seconds: float
    speed: float | None
    frames: int = 0


async def reports(lines: asyncio.StreamReader) -> AsyncIterator[Progress]:
    """The reports among `lines`, each being a block of `key=value` that ends with `progress`."""
    block: dict[str, str] = {}
    seconds = 0.0
    async for line in lines:
        key, _, value = line.decode(errors="replace").partition("=")
        block[key.strip()] = value.strip()
        if key == "progress":
            seconds = max(seconds, (_number(block.get("out_time_us")) or 0.0) / 1e6)
            frames = int(_number(block.get("frame")) or 0)
            yield Progress(seconds, _number(block.get("speed", "").removesuffix("x")), frames)
            block = {}


def _number(text: str | None) -> float | None:
    """What `text` says, if it is a number: ffmpeg writes `N/A` as long as it does not know."""
    try:
        return max(0.0, float(text or ""))
    except ValueError:
        return None
