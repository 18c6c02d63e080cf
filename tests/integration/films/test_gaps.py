"""Films whose sound has a gap, which is filled for some outputs and not for others."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.process.video.streaming.master import PLAYLIST
from tests.films import Bench, Benches, FilmMaker, ffmpeg, pattern

RENDITION = {"op": "renditions", "heights": [96], "crf": 30}
SOUND = ("-f", "lavfi", "-i", "sine=duration=20", "-af", "aselect=not(between(t\\,4\\,15))")
TONES = ("-f", "lavfi", "-i", "aevalsrc=sin(2000*t)/2|sin(3000*t)/2:d=2:s=48000")


def loud_seconds(path: Path) -> list[int]:
    """The seconds in which there is sound, each by its number."""
    samples = heard(path, 8000)
    return [int(second) for second in np.unique(loud(samples) // 8000)]


def heard(path: Path, rate: int = 48000) -> "np.ndarray[Any, Any]":
    """All samples of the first channel, one after the other, `rate` in a second."""
    argv = ("-v", "error", "-i", str(path), "-af", "pan=mono|c0=c0", "-ar", str(rate))
    raw = ("-f", "s16le", "-")
    told = subprocess.run([ffmpeg().path, *argv, *raw], check=True, capture_output=True)
    return np.frombuffer(told.stdout, np.int16)


def loud(samples: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """The numbers of those that can be heard well."""
    return np.flatnonzero((samples > 1000) | (samples < -1000))


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
    found = loud_seconds(little.path(made["audio.flac"]))
    assert set(found) - {1, 3602} == {0, 3601}  # a frame reaches into those


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


@pytest.fixture
def broadcast(film: FilmMaker, tmp_path: Path) -> Callable[..., Path]:
    """Four seconds of a tone in stereo, four in 5.1, four in stereo, each softer: television."""

    def make(late: float = 0.0) -> Path:
        joined = tmp_path / "joined.ac3"
        tone = "sine=frequency=700:duration=4.032:sample_rate=48000,volume"
        parts = [
            film(f"{channels}.ac3", *louder, "-ac", channels, "-b:a", "448k").read_bytes()
            for volume, channels in ((6, "2"), (3, "6"), (0.7, "2"))
            for louder in [("-f", "lavfi", "-i", f"{tone}={volume}")]
        ]
        joined.write_bytes(b"".join(parts))
        pictures = pattern("160x96", 12.0 + late)
        track = ("-itsoffset", f"{late}", "-f", "ac3", "-i", str(joined))
        maps = ("-map", "0:v", "-map", "1:a", "-c:a", "copy", "-c:v", "mpeg2video")
        return film("broadcast.ts", *pictures, *track, *maps)

    return make


@pytest.mark.parametrize("late", [0.0, 0.05, 3.0, 7.0])
async def test_sound_whose_channels_change_is_laid_down_once(
    bench: Bench, broadcast: Callable[..., Path], late: float
) -> None:
    """ffmpeg makes its filters anew for other channels, with no memory of what was before."""
    wanted = {"op": "audio", "format": "wav"}
    output = (await bench.make(broadcast(late), wanted))["audio.wav"]
    samples = heard(bench.path(output))
    times = loud(samples) / 48000
    assert len(samples) / 48000 == pytest.approx(12.1 + late, abs=0.03)
    assert times[0] == pytest.approx(late, abs=0.02)
    assert np.diff(times).max() < 0.02


async def test_streams_of_it_are_too(bench: Bench, broadcast: Callable[..., Path]) -> None:
    made = await bench.make(broadcast(3.0), {"op": "hls", "heights": [96]})
    playlist = bench.path(made["hls.m3u8"]).parent / "sound-0" / PLAYLIST
    times = loud(heard(playlist)) / 48000
    assert (times[0], times[-1]) == pytest.approx((3, 15.1), abs=0.03)
    assert np.diff(times).max() < 0.02


async def test_a_drawing_of_it_shows_all_of_it(
    bench: Bench, broadcast: Callable[..., Path]
) -> None:
    made = await bench.make(broadcast(), {"op": "waveform", "width": 300, "formats": "png"})
    drawn = heights(bench.path(made["waveform.png"]))
    loudest, softer, softest = (drawn[place : place + 80] for place in (10, 110, 210))
    assert loudest.min() > softer.max() > softest.max() > 0


async def test_sound_whose_channels_change_at_once_is_in_step_as_well(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    joined = tmp_path / "joined.ac3"
    tone = ("-f", "lavfi", "-i", "sine=frequency=700:sample_rate=48000,volume=6", "-b:a", "448k")
    parts = [film(f"{n}.ac3", *tone, "-ac", n, "-t", t) for n, t in (("2", "0.512"), ("6", "4"))]
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    source = film("at-once.ts", "-f", "ac3", "-i", str(joined), "-c:a", "copy")
    made = await bench.make(source, {"op": "audio", "format": "wav"})
    times = loud(heard(bench.path(made["audio.wav"]))) / 48000
    assert (times[0], times[-1]) == pytest.approx((0, 4.512), abs=0.04)
    assert np.diff(times).max() < 0.02


async def test_sound_whose_beginning_is_damaged_stays_in_step(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.ac3"
    tone = ("-f", "lavfi", "-i", "sine=duration=8:sample_rate=48000,volume=6", "-b:a", "448k")
    whole = film("whole.ac3", *tone).read_bytes()
    frame = 1792  # bytes, of 32 ms
    bad = 3 * 1000 // 32
    damaged.write_bytes(
        b"".join(whole[n * frame :][:8].ljust(frame, b"\0") for n in range(bad))
        + whole[bad * frame :]
    )
    track = ("-f", "ac3", "-i", str(damaged), "-map", "0:v", "-map", "1:a", "-c:a", "copy")
    source = film("damaged.ts", *pattern("160x96", 8.0), *track, "-c:v", "mpeg2video")
    made = await bench.make(source, {"op": "audio", "format": "wav", "salvage": True})
    times = loud(heard(bench.path(made["audio.wav"]))) / 48000
    assert (times[0], times[-1]) == pytest.approx((3, 8), abs=0.1)


@pytest.mark.parametrize("late", [9, 25])
async def test_sound_whose_beginning_is_not_told_stays_in_step(
    bench: Bench, film: FilmMaker, late: int
) -> None:
    """It comes behind more of the film than libavformat reads for it, or than we do."""
    sound = ("-itsoffset", f"{late}", *TONES, "-c:v", "rawvideo", "-c:a", "flac")
    source = film("late.mkv", *pattern("320x240", late + 2.0), *sound)
    made = await bench.make(source, {"op": "audio", "format": "wav"}, "waveform")
    times = loud(heard(bench.path(made["audio.wav"]))) / 48000
    assert (times[0], times[-1]) == pytest.approx((late, late + 2), abs=0.02)


@pytest.mark.parametrize(
    ("container", "layout", "count"), [("mov", ":c=FL+LFE", 2), ("mkv", "", 9)]
)
async def test_gaps_are_filled_whatever_the_channels_are(
    bench: Bench, film: FilmMaker, container: str, layout: str, count: int
) -> None:
    """Between mono and such channels ffmpeg knows no mixture."""
    tones = "|".join(["sin(2000*t)/2"] * count)
    sound = ("-f", "lavfi", "-i", f"aevalsrc={tones}:d=2:s=48000{layout}")
    late = ("-af", "asetpts=PTS+40/TB", "-c:a", "pcm_s16le")
    source = film(f"odd.{container}", *pattern("160x96", 2.0), *sound, *late)
    made = await bench.make(source, {"op": "audio", "format": "wav"})
    times = loud(heard(bench.path(made["audio.wav"]))) / 48000
    assert (times[0], times[-1]) == pytest.approx((40, 42), abs=0.02)
