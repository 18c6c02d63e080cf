"""Films whose sound has a gap, which is filled for some outputs and not for others."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.films import Bench, Benches, FilmMaker, ffmpeg, pattern

RENDITION = {"op": "renditions", "heights": [96], "crf": 30}
SOUND = ("-f", "lavfi", "-i", "sine=duration=20", "-af", "aselect=not(between(t\\,4\\,15))")
TONES = ("-f", "lavfi", "-i", "aevalsrc=sin(2000*t)/2|sin(3000*t)/2:d=2:s=48000")


def loud_seconds(path: Path) -> list[int]:
    """The seconds in which there is sound, each by its number."""
    with av.open(str(path)) as media:
        return sorted(
            {
                int((f.time or 0) + 0.05)
                for f in media.decode(audio=0)
                if np.abs(f.to_ndarray()).max() > 1000
            }
        )


@pytest.mark.parametrize("beside", [{"op": "hls", "heights": [96]}, "audio", "waveform"])
async def test_a_gap_in_the_sound_does_not_stop_ffmpeg(
    bench: Bench, film: FilmMaker, beside: Any
) -> None:
    """With a graph of filters for each output, ffmpeg 9 waited for itself for ever."""
    source = film("gap.mkv", *pattern("160x96", 20.0), *SOUND, "-c:a", "flac")
    async with asyncio.timeout(60):
        made = await bench.make(source, RENDITION, beside)
    assert "96p.mp4" in made


@pytest.fixture
def hour(film: FilmMaker) -> Path:
    """A second of sound, nothing for an hour, and another second."""
    gap = ("-af", "asetpts=PTS+gte(T\\,1)*3600/TB")
    return film("hour.mkv", *pattern("160x96", 2.0), *TONES, *gap, "-c:a", "flac")


@pytest.fixture
async def little(benches: Benches) -> Bench:
    """So little memory that all silence of an hour at once has no room in it."""
    return await benches(ffmpeg_memory_bytes=5 * 2**28, ffmpeg_threads=1)


async def test_the_silence_of_an_hour_is_not_held_in_memory(little: Bench, hour: Path) -> None:
    made = await little.make(hour, {"op": "audio", "format": "flac"})
    loud = loud_seconds(little.path(made["audio.flac"]))
    assert set(loud) - {1} == {0, 3601}  # a frame may begin just before 1


async def test_nor_is_sound_that_begins_an_hour_late(little: Bench, film: FilmMaker) -> None:
    late = ("-af", "asetpts=PTS+3600/TB")
    source = film("late.mkv", *pattern("160x96", 2.0), *TONES, *late, "-c:a", "flac")
    made = await little.make(source, {"op": "audio", "format": "flac"})
    assert loud_seconds(little.path(made["audio.flac"])) == [3600, 3601]


async def test_nor_is_what_is_drawn(little: Bench, hour: Path) -> None:
    made = await little.make(hour, "waveform")
    columns = heights(little.path(made["waveform.webp"])) > 0
    assert columns[0]
    assert columns[-1]
    assert columns.sum() <= 4


async def test_a_long_track_is_drawn_as_all_of_its_samples_would_be(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=800:a=0.5:seed=7")
    louder_and_softer = ("-af", "volume=pow(sin(t/60)\\,2):eval=frame")
    source = film("long.mkv", *noise, *louder_and_softer, "-c:a", "flac")
    made = await bench.make(source, {"op": "waveform", "width": 600, "height": 200})
    whole = tmp_path / "whole.png"
    draw = "showwavespic=s=600x200:colors=white:scale=sqrt"
    argv = ("-v", "error", "-i", str(source), "-lavfi", draw, "-frames:v", "1", str(whole))
    subprocess.run([ffmpeg().path, *argv], check=True)
    drawn, reference = map(heights, (bench.path(made["waveform.webp"]), whole))
    assert reference.max() > 80
    assert np.abs(drawn - reference).mean() < 2
    assert np.abs(drawn - reference).max() < 20


def heights(drawing: Path) -> "np.ndarray[Any, Any]":
    """How high each column is drawn, in pixels."""
    with Image.open(drawing) as image:
        alpha = np.asarray(image.convert("RGBA").getchannel("A")).astype(int)
    return np.asarray((alpha > 0).sum(0))
