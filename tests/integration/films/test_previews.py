"""Short silent loops, made by the real ffmpeg."""

from pathlib import Path

import av
import pytest
from PIL import Image

from tests.films import Bench, FilmMaker
from tests.integration.films.looks import colour_of


@pytest.mark.parametrize("kind", ["mp4", "webp", "gif"])
async def test_a_preview_is_short_and_silent(bench: Bench, colours: Path, kind: str) -> None:
    wanted = {"op": "preview", "at": 0.5, "seconds": 1, "format": kind, "width": 80, "fps": 5}
    output = (await bench.make(colours, wanted))[f"preview.{kind}"]
    assert (output.width, output.height, output.duration_seconds) == (80, 48, 1)
    if kind == "mp4":
        with av.open(str(bench.path(output))) as media:
            frames = [frame.to_image() for frame in media.decode(video=0)]  # type: ignore[no-untyped-call]
            assert not media.streams.audio
    else:
        with Image.open(bench.path(output)) as moving:
            assert moving.info["loop"] == 0
            frames = []
            for number in range(getattr(moving, "n_frames", 1)):
                moving.seek(number)
                frames.append(moving.convert("RGB"))
    assert {colour_of(frame.convert("RGB")) for frame in frames} == {"red", "lime"}


async def test_a_long_preview_takes_no_more_memory_than_a_short_one(
    bench: Bench, film: FilmMaker
) -> None:
    plain = ("-f", "lavfi", "-i", "color=red:size=320x192:rate=25:duration=30")
    source = film("plain.mp4", *plain, "-c:v", "libx264")
    taken = []
    for seconds in (1, 30):
        bench.work.spent.peak_memory_bytes = 0
        wanted = {"op": "preview", "name": f"for-{seconds}", "seconds": seconds}
        await bench.make(source, {**wanted, "format": "gif", "width": 320, "fps": 60})
        taken.append(bench.work.spent.peak_memory_bytes)
    short, long = taken
    assert long < short + 50 * 2**20  # all pictures of the long one take 180 MiB
