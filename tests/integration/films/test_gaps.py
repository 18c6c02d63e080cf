"""Films whose sound has a gap, which is filled for some outputs and not for others."""

import asyncio
from typing import Any

import pytest

from tests.films import Bench, FilmMaker, pattern

RENDITION = {"op": "renditions", "heights": [96], "crf": 30}
SOUND = ("-f", "lavfi", "-i", "sine=duration=20", "-af", "aselect=not(between(t\\,4\\,15))")


@pytest.mark.parametrize("beside", [{"op": "hls", "heights": [96]}, "audio", "waveform"])
async def test_a_gap_in_the_sound_does_not_stop_ffmpeg(
    bench: Bench, film: FilmMaker, beside: Any
) -> None:
    """With a graph of filters for each output, ffmpeg 9 waited for itself for ever."""
    source = film("gap.mkv", *pattern("160x96", 20.0), *SOUND, "-c:a", "flac")
    async with asyncio.timeout(60):
        made = await bench.make(source, RENDITION, beside)
    assert "96p.mp4" in made
