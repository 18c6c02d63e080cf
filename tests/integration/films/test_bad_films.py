"""Films that cannot be read, each refused with one sentence."""

import hashlib
import struct
from pathlib import Path
from typing import Any

import pytest

from shared.errors import (
    CorruptMedia,
    SourceTooLarge,
    TimeLimit,
    UnsupportedMedia,
)
from tests.films import BUNNY, TONE, Bench, Benches, FilmMaker, pattern
from tests.integration.films.looks import SLOW, processes_with, refusal

_TONE_OF_EIGHT = ("-f", "lavfi", "-i", "sine=duration=8")


async def test_sound_alone_is_no_film(bench: Bench, film: FilmMaker) -> None:
    error = await refusal(bench, film("sound.m4a", *TONE), "film")
    assert isinstance(error, UnsupportedMedia)
    assert str(error) == "The file has no video stream."


async def test_a_text_file_is_no_film(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_text("This is no film.\n" * 100)
    assert isinstance(await refusal(bench, source), UnsupportedMedia)


async def test_an_empty_file_is_no_film(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.touch()
    assert isinstance(await refusal(bench, source), UnsupportedMedia)


async def test_a_film_without_its_index_is_damaged(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes(BUNNY.read_bytes()[:200_000])
    error = await refusal(bench, source)
    assert isinstance(error, CorruptMedia | UnsupportedMedia)


@pytest.fixture(params=["mp4", "mkv"])
def half(request: pytest.FixtureRequest, film: FilmMaker, tmp_path: Path) -> Path:
    """The first half of a film's bytes, with its index in front."""
    text = tmp_path / "text.srt"
    text.write_text("".join(f"{n}\n00:00:0{n},200 --> 00:00:0{n},900\n{n}\n\n" for n in range(5)))
    captions = "mov_text" if request.param == "mp4" else "srt"
    index = ("-movflags", "+faststart") if request.param == "mp4" else ()
    inputs = ("-i", str(BUNNY), "-i", str(text), "-map", "0", "-map", "1")
    whole = film(f"whole.{request.param}", *inputs, "-c", "copy", "-c:s", captions, *index)
    source = tmp_path / f"film.{request.param}"
    source.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return source


# Not `poster`, which looks at one moment, nor `probe`, which tells what the index does.
@pytest.mark.parametrize(
    "operations",
    [
        (),
        ({"op": "renditions", "heights": 96},),
        ({"op": "renditions", "heights": 720},),  # copied
        ({"op": "hls", "heights": 96},),
        ("storyboard",),
        ({"op": "renditions", "heights": 96}, "storyboard"),
        ("thumbnails",),
        ({"op": "preview", "width": 96},),
        ({"op": "preview", "width": 96, "format": "webp"},),
        ({"op": "preview", "width": 96, "format": "gif"},),
        ({"op": "preview", "width": 96, "format": "gif", "at": "60%"},),
        ({"op": "trim", "start": 1, "end": 4},),
        ("audio",),
        ({"op": "audio", "format": "wav"},),
        ({"op": "audio", "loudness": -20},),
        ("waveform",),
        ("captions",),
    ],
    ids=str,
)
async def test_a_film_that_breaks_off_is_damaged(
    bench: Bench, half: Path, operations: tuple[Any, ...]
) -> None:
    error = await refusal(bench, half, *operations)
    assert isinstance(error, CorruptMedia)
    assert "60%" in str(operations) or "seconds can be decoded" in str(error)


@pytest.mark.parametrize(
    "operations",
    [
        ({"op": "renditions", "heights": 96, "preset": "ultrafast"},),
        ("storyboard",),
        ("audio",),
        ({"op": "trim", "start": 1, "end": 4},),
    ],
    ids=str,
)
async def test_an_flv_that_breaks_off_is_damaged(
    bench: Bench, film: FilmMaker, tmp_path: Path, operations: tuple[Any, ...]
) -> None:
    whole = film("whole.flv", "-i", str(BUNNY), "-c", "copy").read_bytes()
    source = tmp_path / "film.flv"
    source.write_bytes(_cut_in_the_head_of_a_tag(whole))
    error = await refusal(bench, source, *operations)
    assert isinstance(error, CorruptMedia)
    assert "seconds can be decoded (the file ends within a tag)" in str(error)


def _cut_in_the_head_of_a_tag(flv: bytes) -> bytes:
    """About the first half: ffmpeg complains where a picture is cut, but not of this."""
    at = 13
    while at < len(flv) // 2:
        at += 11 + int.from_bytes(flv[at + 1 : at + 4]) + 4
    return flv[: at + 5]


async def test_an_flv_that_is_shorter_than_it_says_is_made(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    whole = film("whole.flv", "-i", str(BUNNY), "-c", "copy").read_bytes()
    told = whole.index(b"\x00\x08duration\x00") + 11
    source = tmp_path / "film.flv"
    source.write_bytes(whole[:told] + struct.pack(">d", 60) + whole[told + 8 :])
    late = {"op": "preview", "width": 96, "at": "50%"}
    outputs = await bench.make(
        source, {"op": "renditions", "heights": 96, "preset": "ultrafast"}, late
    )
    assert outputs["96p.mp4"].duration_seconds == pytest.approx(5.3, abs=0.3)
    assert outputs["preview.mp4"].duration_seconds == pytest.approx(3, abs=0.1)


async def test_noise_in_a_container_is_damaged(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mkv"
    source.write_bytes(b"\x1a\x45\xdf\xa3" + hashlib.shake_256(b"noise").digest(100_000))
    assert isinstance(await refusal(bench, source), CorruptMedia)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_video_seconds": 5}, "5.3 seconds long; 5 seconds are allowed"),
        ({"max_video_pixels": 500_000}, "1280 × 720 pixels; 0.5 million are allowed"),
        ({"max_video_streams": 1}, "2 streams; 1 are allowed"),
        ({"ffmpeg_file_bytes": 2**20}, "larger than allowed"),
    ],
)
async def test_limits(benches: Benches, settings: dict[str, Any], sentence: str) -> None:
    bench = await benches(**settings)
    error = await refusal(bench, BUNNY, {"op": "renditions", "crf": 1})
    assert isinstance(error, SourceTooLarge)
    assert sentence in str(error)


async def test_too_much_time_is_too_much(benches: Benches) -> None:
    bench = await benches(ffmpeg_limit_seconds=0.5)
    error = await refusal(bench, BUNNY, SLOW)
    assert isinstance(error, TimeLimit)
    assert not processes_with(bench.work.directory)


async def test_a_broadcast_that_lost_packets_of_sound_is_made(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
    whole = film("whole.ts", *pattern("320x180", 8), *_TONE_OF_EIGHT, *coded)
    source = tmp_path / "lost.ts"
    source.write_bytes(_without_some(whole.read_bytes(), 0x101))
    outputs = await bench.make(source, {"op": "renditions", "heights": 96, "preset": "ultrafast"})
    assert outputs["96p.mp4"].duration_seconds == pytest.approx(8, abs=0.3)


def _without_some(stream: bytes, pid: int) -> bytes:
    """An MPEG transport stream without every tenth packet of that number."""
    packets = [stream[at : at + 188] for at in range(0, len(stream), 188)]
    numbered = [int.from_bytes(packet[1:3]) & 0x1FFF for packet in packets]
    mine = [place for place, number in enumerate(numbered) if number == pid]
    lost = set(mine[9::10])
    return b"".join(packet for place, packet in enumerate(packets) if place not in lost)
