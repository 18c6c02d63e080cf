"""Films where a GPU is to be used: with a program in ffmpeg's place that plays one.

It does on the CPU what it was told to do on the device, or refuses it.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from services.process.video.hardware.asking import ask
from services.process.video.hardware.device import Device
from shared.errors import CorruptMedia
from shared.jobs import MadeOn
from tests.films import Bench, Benches, FilmMaker, ffmpeg, pattern
from tests.integration.films.looks import check_plays

SMALL = {"op": "renditions", "heights": [96]}
PLAYED = """#!{python}
import json, os, re, sys
from pathlib import Path

does = json.loads(Path("{does}").read_text())
told = sys.argv[1:]
said = " ".join(told)
if "-version" not in told:
    with Path("{log}").open("a") as log:
        log.write(said + "\\n")
decodes, encodes = "-hwaccel" in told, re.search("(h264|hevc)_(nvenc|vaapi)", said)
if decodes and ("decode" not in does or any(word in said for word in does.get("chokes", []))):
    sys.exit("No device available for decoder: device type cuda needed.")
if encodes and encodes[1] not in does.get("encode", []):
    sys.exit("No capable devices found")
cpu = []
while told:
    word = told.pop(0)
    option, _, stream = word.partition(":v:")
    if option in ("-hwaccel", "-hwaccel_output_format", "-rc", "-b", "-preset"):
        told.pop(0)
    elif option == "-cq":
        cpu += [f"-crf:v:{stream}"]
    else:
        word = word.replace("hwdownload,format=nv12,", "").replace("hwdownload,format=nv12", "null")
        cpu.append(word.replace("h264_nvenc", "libx264").replace("hevc_nvenc", "libx265"))
os.execv("{ffmpeg}", ["ffmpeg", *cpu])
"""
Played = Callable[..., Awaitable[Bench]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def played(benches: Benches, tmp_path: Path, log: Path) -> Played:
    """Makes a bench whose GPU does what is said of it."""

    async def bench(hwaccel: str = "cuda", **does: Any) -> Bench:
        program, told = tmp_path / "ffmpeg", tmp_path / "does.json"
        told.write_text(json.dumps(does))
        names = {"python": sys.executable, "does": told, "log": log, "ffmpeg": ffmpeg().path}
        text = PLAYED
        for name, value in names.items():
            text = text.replace(f"{{{name}}}", str(value))
        program.write_text(text)
        program.chmod(0o755)
        return await benches("played", ffmpeg=str(program), hwaccel=hwaccel)

    return bench


@pytest.fixture
def source(film: FilmMaker) -> Path:
    return film("eight-bits.mkv", *pattern("160x96"), "-c:v", "libx264", "-pix_fmt", "yuv420p")


async def made_on(bench: Bench, source: Path, **change: Any) -> MadeOn | None:
    (output,) = (await bench.make(source, {**SMALL, "crf": 30, **change})).values()
    with av.open(str(bench.path(output))) as media:
        assert sum(1 for _ in media.decode(video=0)) == 25
    return output.made_on


async def test_all_is_done_on_a_device_that_can(played: Played, source: Path) -> None:
    bench = await played(decode=True, encode=["h264", "hevc"])
    assert await made_on(bench, source) == MadeOn(decoding="cuda", encoding="cuda")


async def test_a_device_that_does_not_decode_encodes(played: Played, source: Path) -> None:
    made = await made_on(await played(encode=["h264", "hevc"]), source)
    assert made is not None
    assert (made.decoding, made.encoding) == ("cpu", "cuda")
    assert "cuda does not decode: No device available" in str(made.reason)


async def test_a_device_that_does_not_encode_decodes(played: Played, source: Path) -> None:
    """As those for data centres."""
    made = await made_on(await played(decode=True), source)
    assert made is not None
    assert (made.decoding, made.encoding) == ("cuda", "cpu")
    assert "cuda does not encode h264: No capable devices found" in str(made.reason)


async def test_a_codec_that_it_does_not_know_is_encoded_on_the_cpu(
    played: Played, source: Path
) -> None:
    made = await made_on(await played(decode=True, encode=["h264"]), source, codec="hevc")
    assert made is not None
    assert (made.decoding, made.encoding) == ("cuda", "cpu")
    assert "cuda does not encode hevc" in str(made.reason)


async def test_a_film_that_the_device_chokes_on_moves_no_other_off_it(
    played: Played, source: Path, film: FilmMaker, log: Path
) -> None:
    bench = await played(decode=True, encode=["h264", "hevc"], chokes=["ten-bits"])
    hard = film("ten-bits.mkv", "-i", str(source), "-c", "copy")
    made = await made_on(bench, hard, name="hard")
    assert made is not None
    assert (made.decoding, made.encoding) == ("cpu", "cuda")
    assert str(made.reason).startswith("decoding and encoding on cuda failed: ")
    assert await made_on(bench, source) == MadeOn(decoding="cuda", encoding="cuda")
    runs = [line for line in log.read_text().splitlines() if "-f tee" in line]
    assert ["-hwaccel" in run for run in runs] == [True, False, True]


async def test_what_a_failed_way_left_is_not_in_the_way_of_the_next(
    played: Played, source: Path
) -> None:
    bench = await played(decode=True, chokes=["eight-bits"])
    made = await bench.make(source, {**SMALL, "crf": 30}, {"op": "hls", "heights": [96]}, "poster")
    assert set(made) == {"96p.mp4", "hls.m3u8", "poster.webp"}
    assert {path.name for path in bench.work.directory.iterdir()} == {
        *("96p.mp4", "hls", "poster.webp")
    }


async def test_the_driver_is_asked_once(played: Played, source: Path, log: Path) -> None:
    bench = await played(decode=True)
    await made_on(bench, source)
    asked = log.read_text().count("testsrc2")
    await made_on(bench, source, name="again")
    assert log.read_text().count("testsrc2") == asked == 3


async def test_a_damaged_film_is_told_as_on_the_cpu(
    played: Played, source: Path, tmp_path: Path, log: Path
) -> None:
    bench = await played(decode=True, encode=["h264"])
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(source.read_bytes()[:-9000])
    with pytest.raises(CorruptMedia, match="can be decoded"):
        await bench.make(cut, {**SMALL, "crf": 30}, {"op": "hls", "heights": [96]})
    assert [line.count("-hwaccel ") for line in log.read_text().splitlines()][-3:] == [1, 0, 0]
    saved = await bench.make(cut, {**SMALL, "name": "saved", "crf": 30, "salvage": True})
    made = saved["saved-96p.mp4"]
    assert made.missing_seconds
    assert made.made_on
    assert made.made_on.decoding == "cpu"


async def test_what_is_streamed_or_not_decoded_says_where_it_was_made(
    played: Played, source: Path
) -> None:
    bench = await played(decode=True, encode=["h264"])
    made = await bench.make(source, SMALL, {"op": "hls", "heights": [96]}, "storyboard", "poster")
    where = {name: output.made_on for name, output in made.items()}
    assert where["storyboard.vtt"] is None
    assert where["poster.webp"] is None
    streamed = where["hls.m3u8"]
    assert streamed is not None
    assert (streamed.decoding, streamed.encoding) == ("cuda", "cpu")
    check_plays(bench.path(made["96p.mp4"]), (160, 96))


async def test_the_place_belongs_to_the_recipe(played: Played, bench: Bench, source: Path) -> None:
    wanted = {**SMALL, "crf": 30}
    on_cpu = (await bench.make(source, wanted))["96p.mp4"]
    other = await played("auto", decode=True)
    on_device = (await other.make(source, wanted))["96p.mp4"]
    assert on_cpu.made_on is None
    assert on_device.made_on is not None
    assert on_device.recipe != on_cpu.recipe


def test_this_machine_is_asked_and_answers() -> None:
    """Whatever it has: what it says it can do, it did."""
    device = ask(ffmpeg(), "auto")
    if device.useful:
        assert device.kind in ("cuda", "vaapi")
    else:
        assert device == Device(faults=device.faults)
        assert [fault.split(":")[0] for fault in device.faults] == ["cuda", "vaapi"]
    assert ask(ffmpeg(), "none") == Device()


# Elsewhere there is no seccomp, and children are made without a filter: nothing to be asked under.
@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_a_driver_is_asked_under_the_filter_that_films_are_made_under(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that works without it alone would fail at each film."""
    monkeypatch.setenv("SECRET", "key")
    program, log = tmp_path / "ffmpeg", tmp_path / "log"
    program.write_text(
        f'#!/bin/sh\n(grep -w Seccomp: /proc/self/status; echo "$SECRET") >> {log}\nexit 1\n'
    )
    program.chmod(0o755)
    assert not ask(replace(ffmpeg(), path=program), "cuda").useful
    assert {line.strip() for line in log.read_text().split("\n")} == {"Seccomp:\t2", ""}
