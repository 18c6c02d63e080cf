"""What came of a film: its files, its refusal, the processes that are left."""

import hashlib
import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageStat

from shared.errors import (
    MillraceError,
)
from shared.jobs import Output
from tests.films import Bench

SMALL = {"op": "renditions", "heights": [96], "preset": "ultrafast"}
SLOW = {"op": "renditions", "preset": "veryslow", "crf": 10}
COLOURS = ("red", "lime", "blue", "white")


async def refusal(bench: Bench, source: Path, *operations: Any) -> MillraceError:
    with pytest.raises(MillraceError) as caught:
        await bench.make(source, *operations)
    message = str(caught.value)
    assert str(source.parent) not in message
    assert "\n" not in message
    return caught.value


def processes_with(directory: Path) -> list[int]:
    """The processes, zombies aside, that work in this directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == directory.resolve():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def check_file(bench: Bench, output: Output) -> None:
    content = bench.path(output).read_bytes()
    assert len(content) == output.size
    assert hashlib.sha256(content).hexdigest() == output.sha256


def check_plays(path: Path, size: tuple[int, int]) -> None:
    """H.264 and AAC as every browser plays them, decodable to the end."""
    with av.open(str(path)) as media:
        video = media.streams.video[0]
        assert (video.width, video.height) == size
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert video.sample_aspect_ratio in {None, 1}
        assert all(sound.codec_context.name == "aac" for sound in media.streams.audio)
        assert sum(1 for _ in media.decode(video)) >= 24


def brightness(path: Path) -> float:
    with Image.open(path) as image:
        return ImageStat.Stat(image.convert("L")).mean[0]


def difference(path: Path, other: Image.Image) -> float:
    with Image.open(path) as image:
        pairs = zip(
            ImageStat.Stat(image.convert("RGB")).mean,
            ImageStat.Stat(other.convert("RGB")).mean,
            strict=True,
        )
    return max(abs(a - b) for a, b in pairs)


def opened(bench: Bench, output: Output) -> Image.Image:
    return Image.open(io.BytesIO(bench.path(output).read_bytes())).convert("RGB")


def colour_of(picture: Image.Image) -> str:
    red, green, blue = (value > 128 for value in ImageStat.Stat(picture).mean)
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 1): "white"}
    return names[int(red), int(green), int(blue)]


def packets(path: Path, kind: str = "video") -> list[bytes]:
    with av.open(str(path)) as media:
        return [bytes(packet) for packet in media.demux(**{kind: 0}) if packet.size]


def waits(path: Path) -> float:
    """How much later than its sound, or whatever comes first, a film's pictures begin, in seconds."""
    with av.open(str(path)) as media:
        first = next(media.decode(video=0)).time or 0.0
        return first - (media.start_time or 0) / av.time_base


def onset(path: Path) -> float:
    """When it becomes loud, in seconds from the first picture."""
    with av.open(str(path)) as media:
        first = next(media.decode(video=0)).time or 0.0
    with av.open(str(path)) as media:
        loud = (f.time for f in media.decode(audio=0) if np.abs(f.to_ndarray()).max() > 0.1)
        return (next(loud) or 0.0) - first
