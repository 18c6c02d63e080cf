"""What flashes and beeps at once in a film does so in what is made of it, within a picture."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.films import Bench, FilmMaker
from tests.integration.films.looks import SMALL, brightness

AT, START, RATE = 1.2, 0.7, 25
A_PICTURE = 1 / RATE + 0.001
FLASH = (
    f"color=black:size=160x96:rate={RATE}:duration=2.4,"
    f"drawbox=t=fill:color=white:enable='gte(t,{AT})'"
)
BEEP = f"aevalsrc=sin(2000*t)*gte(t\\,{AT})|0:d=2.4:sample_rate=44100"
CODED = ("-c:v", "libx264", "-g", "30", "-c:a", "aac", "-b:a", "96k")
QUICK = {**SMALL, "crf": 30}
HLS = {"op": "hls", "heights": [96], "segmentSeconds": 1}
MADE: tuple[dict[str, Any], ...] = (
    QUICK,
    {**QUICK, "name": "anew", "copySource": False},
    {**QUICK, "name": "web", "codec": "vp9"},
    HLS,
    {"op": "trim", "start": START},
)


def flashing(film: FilmMaker, name: str, *more: str) -> Path:
    inputs = ("-f", "lavfi", "-i", FLASH, "-f", "lavfi", "-i", BEEP)
    return film(name, *inputs, *CODED, *more)


@pytest.mark.parametrize("container", ["mp4", "mkv", "mov", "ts", "flv", "avi"])
async def test_sound_from_any_container_stays_in_step(
    bench: Bench, film: FilmMaker, container: str
) -> None:
    source = flashing(film, f"flash.{container}", "-bf", "0" if container == "avi" else "2")
    await check_step(bench, source)


async def test_sound_of_a_turned_film_stays_in_step(bench: Bench, film: FilmMaker) -> None:
    lying = flashing(film, "flash.mp4", "-bf", "2")
    turned = film("turned.mp4", "-display_rotation", "90", "-i", str(lying), "-c", "copy")
    await check_step(bench, turned)


@pytest.mark.parametrize("late", ["a", "v"])
async def test_a_stream_that_begins_late_stays_in_step(
    bench: Bench, film: FilmMaker, late: str
) -> None:
    await check_step(bench, lagging(film, "late.mkv", late))


@pytest.mark.parametrize("container", ["ts", "mpg"])
async def test_what_is_read_alone_of_mpeg_has_the_times_of_the_film(
    bench: Bench, film: FilmMaker, container: str
) -> None:
    sound = await bench.make(
        lagging(film, f"sound.{container}", "a"), {"op": "audio", "format": "wav"}
    )
    assert beep(bench.path(sound["audio.wav"])) == pytest.approx(AT, abs=A_PICTURE)
    late = lagging(film, f"pictures.{container}", "v")
    for name, at in (("before", AT - 0.06), ("after", AT + 0.06)):
        shown = (await bench.make(late, {"op": "poster", "name": name, "at": at}))[f"{name}.webp"]
        assert (brightness(bench.path(shown)) > 128) == (name == "after")


def lagging(film: FilmMaker, name: str, late: str) -> Path:
    """Such a film, whose sound or pictures (`a`, `v`) begin 0.4 seconds after the rest."""
    without = {"a": ("-af", "atrim=start=0.4"), "v": ("-vf", "trim=start=0.4")}[late]
    coded = ("-c:v", "mpeg2video", "-c:a", "mp2") if name.endswith(".mpg") else ()
    return flashing(film, name, *without, "-fps_mode", "passthrough", *coded)


async def check_step(bench: Bench, source: Path) -> None:
    made = await bench.make(source, *MADE)
    for name, output in made.items():
        expected = AT - START if name == "trim.mp4" else AT
        light, loud = flash(bench.path(output)), beep(bench.path(output))
        # Up to 6, what has Opus beside it begins as much later as Opus begins early: 7 ms.
        assert light == pytest.approx(expected, abs=A_PICTURE + 0.007), name
        assert loud == pytest.approx(light, abs=A_PICTURE), name


def flash(path: Path) -> float:
    with av.open(str(path)) as media:
        light = (f.time for f in media.decode(video=0) if f.to_ndarray(format="gray").mean() > 128)
        return next(light) or 0.0


def beep(path: Path) -> float:
    with av.open(str(path)) as media:
        for frame in media.decode(audio=0):
            step = 1 if frame.format.is_planar else frame.layout.nb_channels
            loud = np.flatnonzero(np.abs(frame.to_ndarray()).reshape(-1) > 0.1)
            if loud.size:
                return (frame.time or 0.0) + int(loud[0]) // step / frame.sample_rate
    raise AssertionError("no beep")
