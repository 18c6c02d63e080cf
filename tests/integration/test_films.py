"""Films through the real ffmpeg: what comes out, and that nothing stays behind."""

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageStat

from shared.errors import (
    CorruptMedia,
    EngineUnavailable,
    MillraceError,
    SourceTooLarge,
    TimeLimit,
    UnsupportedMedia,
)
from shared.jobs import Output
from tests.films import BUNNY, CORPUS, TONE, Bench, Benches, FilmMaker, pattern

SLOW = {"op": "renditions", "preset": "veryslow", "crf": 10}


# What comes out


async def test_the_film_preset(bench: Bench) -> None:
    outputs = await bench.make(BUNNY)
    assert list(outputs) == [*("720p.mp4", "480p.mp4", "360p.mp4", "poster.webp", "storyboard.vtt")]
    for name, size in {"720p": (1280, 720), "480p": (854, 480), "360p": (640, 360)}.items():
        output = outputs[f"{name}.mp4"]
        assert (output.width, output.height) == size
        assert output.media_type == "video/mp4"
        assert output.duration_seconds == pytest.approx(5.31, abs=0.1)
        assert output.engine is not None
        assert output.engine.startswith("ffmpeg ")
        _check_file(bench, output)
        _check_plays(bench.path(output), size)
    assert (outputs["poster.webp"].width, outputs["poster.webp"].height) == (1280, 720)
    _check_file(bench, outputs["poster.webp"])
    names = sorted(path.name for path in bench.work.directory.iterdir())
    assert names == sorted([*[*outputs][:-1], "storyboard"])


async def test_progress_rises_to_100(bench: Bench) -> None:
    await bench.make(BUNNY)
    assert bench.told == sorted(bench.told)
    assert bench.told[-1] == 100
    assert any(5 < percent < 100 for percent in bench.told)


async def test_what_was_used_is_counted(bench: Bench) -> None:
    await bench.make(BUNNY, {"op": "renditions", "heights": 360})
    assert bench.work.spent.cpu_seconds > 0.1
    assert bench.work.spent.peak_memory_bytes > 20 * 2**20


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("854x480", {"480p.mp4": (854, 480), "360p.mp4": (640, 360)}),
        ("320x240", {"240p.mp4": (320, 240)}),
        ("322x182", {"182p.mp4": (322, 182)}),
        ("480x854", {"480p.mp4": (480, 854), "360p.mp4": (360, 640)}),
        ("2x2", {"2p.mp4": (2, 2)}),
    ],
)
async def test_a_film_is_never_enlarged(
    bench: Bench, film: FilmMaker, size: str, expected: dict[str, tuple[int, int]]
) -> None:
    source = film(f"{size}.mkv", *pattern(size), "-c:v", "ffv1")
    outputs = await bench.make(source, "renditions")
    assert {name: (o.width, o.height) for name, o in outputs.items()} == expected
    for output in outputs.values():
        _check_plays(bench.path(output), expected[f"{output.name}.mp4"])


async def test_odd_sizes_become_even(bench: Bench, film: FilmMaker) -> None:
    odd = pattern("322x242", more=",format=yuv444p,crop=321:241")
    source = film("odd.webm", *odd, "-c:v", "libvpx-vp9", "-pix_fmt", "yuv444p")
    outputs = await bench.make(source)
    _check_plays(bench.path(outputs["240p.mp4"]), (320, 240))
    assert (outputs["poster.webp"].width, outputs["poster.webp"].height) == (321, 241)


async def test_a_turned_film_is_made_upright(bench: Bench, film: FilmMaker) -> None:
    lying = film("lying.mp4", *pattern("640x480"), "-c:v", "libx264")
    source = film("turned.mp4", "-display_rotation", "90", "-i", str(lying), "-c", "copy")
    outputs = await bench.make(source)
    for name in ("480p.mp4", "360p.mp4"):
        assert outputs[name].width < outputs[name].height  # type: ignore[operator]
        with av.open(str(bench.path(outputs[name]))) as media:
            assert next(media.decode(video=0)).rotation == 0
    # The pattern's bars go from left to right; a quarter turn lays them one above another.
    with Image.open(bench.path(outputs["poster.webp"])) as poster:
        assert poster.size == (480, 640)
        across = ImageStat.Stat(poster.convert("L").crop((10, 200, 470, 204))).stddev[0]
        down = ImageStat.Stat(poster.convert("L").crop((100, 10, 104, 630))).stddev[0]
    assert across < down


async def test_pixels_too_wide_are_refused(bench: Bench, film: FilmMaker) -> None:
    source = film("flat.mkv", *pattern("640x480", more=",setsar=100"), "-c:v", "ffv1")
    assert "64000 × 480 pixels" in str(await _refusal(bench, source))


async def test_wide_pixels_become_square(bench: Bench, film: FilmMaker) -> None:
    source = film("wide.mp4", *pattern("720x576", more=",setsar=64/45"), "-c:v", "libx264")
    outputs = await bench.make(source)
    _check_plays(bench.path(outputs["480p.mp4"]), (854, 480))
    assert (outputs["poster.webp"].width, outputs["poster.webp"].height) == (1024, 576)


async def test_a_silent_film_stays_silent(bench: Bench, film: FilmMaker) -> None:
    source = film("silent.mp4", *pattern("320x240"), "-c:v", "libx264")
    outputs = await bench.make(source, "renditions")
    with av.open(str(bench.path(outputs["240p.mp4"]))) as media:
        assert not media.streams.audio


async def test_sound_can_be_left_out(bench: Bench) -> None:
    outputs = await bench.make(BUNNY, {"op": "renditions", "heights": 360, "audio": False})
    with av.open(str(bench.path(outputs["360p.mp4"]))) as media:
        assert not media.streams.audio


async def test_nothing_of_the_sources_metadata_is_kept(bench: Bench, film: FilmMaker) -> None:
    place = ("-metadata", "location=+48.1374+011.5755/", "-metadata", "title=secret")
    source = film("told.mp4", *pattern("320x240"), *TONE, "-c:v", "libx264", *place)
    assert b"secret" in source.read_bytes()
    outputs = await bench.make(source)
    for output in outputs.values():
        content = bench.path(output).read_bytes()
        assert b"secret" not in content
        assert b"48.1374" not in content


async def test_a_rendition_plays_before_it_is_loaded(bench: Bench) -> None:
    outputs = await bench.make(BUNNY, {"op": "renditions", "heights": 360})
    content = bench.path(outputs["360p.mp4"]).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


async def test_several_ladders_are_made_in_one_go(bench: Bench) -> None:
    outputs = await bench.make(
        BUNNY,
        {"op": "renditions", "heights": [360], "crf": 18},
        {"op": "renditions", "name": "small", "heights": [360, 180], "crf": 40},
    )
    assert set(outputs) == {"360p.mp4", "small-360p.mp4", "small-180p.mp4"}
    assert outputs["360p.mp4"].size > 2 * outputs["small-360p.mp4"].size


@pytest.mark.parametrize("container", ["avi", "flv", "mkv", "mov", "mpg", "ogv", "ts", "wmv"])
async def test_containers(bench: Bench, film: FilmMaker, container: str) -> None:
    codecs = ("-c:v", "libtheora", "-f", "ogg") if container == "ogv" else ()
    source = film(f"film.{container}", *pattern("320x240"), *codecs)
    outputs = await bench.make(source)
    _check_plays(bench.path(outputs["240p.mp4"]), (320, 240))
    assert _brightness(bench.path(outputs["poster.webp"])) > 60


async def test_a_film_that_does_not_tell_its_length(bench: Bench, film: FilmMaker) -> None:
    source = film("piped.webm", *pattern("320x240", 2), "-c:v", "libvpx", "-live", "1")
    with av.open(str(source)) as media:
        assert media.duration is None
    outputs = await bench.make(source)
    assert outputs["240p.mp4"].duration_seconds == pytest.approx(2, abs=0.1)
    assert bench.told == sorted(bench.told)


async def test_hdr_films_get_the_colours_of_all_screens(bench: Bench, film: FilmMaker) -> None:
    told = "transfer=arib-std-b67:colorprim=bt2020:colormatrix=bt2020nc:log-level=error"
    filters = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,"
        "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt2020,"
        "zscale=t=arib-std-b67:m=bt2020nc:r=tv,format=yuv420p10le"
    )
    start = ("-i", str(BUNNY), "-t", "0.5", "-an", "-vf", filters, "-c:v", "libx265")
    source = film("hdr.mp4", *start, "-x265-params", told)
    outputs = await bench.make(source, {"op": "poster", "at": 0, "formats": "png"})
    with av.open(str(BUNNY)) as media:
        original: Image.Image = next(media.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
    assert _difference(bench.path(outputs["poster.png"]), original) < 20


# These come beside the films that the tests make: others' encoders write what ours never would.
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus here")
@pytest.mark.parametrize("name", ["bikes.mp4", "cockatoo.mp4", "realshort.mp4"])
async def test_films_from_elsewhere(bench: Bench, name: str) -> None:
    outputs = await bench.make(CORPUS / name, {"op": "renditions", "preset": "ultrafast"}, "poster")
    for output in outputs.values():
        _check_file(bench, output)
    assert _brightness(bench.path(outputs["poster.webp"])) > 30


# Posters


async def test_a_poster_is_not_black(bench: Bench, film: FilmMaker) -> None:
    dark = "color=black:size=320x240:rate=25:duration=3,format=yuv420p[d]"
    light = "testsrc2=size=320x240:rate=25:duration=1,format=yuv420p[l]"
    graph = f"{dark};{light};[d][l]concat=n=2"
    # one key frame, at the start: those alone would show black
    source = film(
        "dark.mp4", "-filter_complex", graph, "-c:v", "libx264", "-x264-params", "scenecut=0"
    )
    outputs = await bench.make(source, "poster")
    assert _brightness(bench.path(outputs["poster.webp"])) > 60


async def test_a_black_film_has_a_black_poster(bench: Bench, film: FilmMaker) -> None:
    source = film("black.mp4", "-f", "lavfi", "-i", "color=black:size=320x240:duration=1")
    outputs = await bench.make(source, "poster")
    assert _brightness(bench.path(outputs["poster.webp"])) < 10


@pytest.mark.parametrize(
    ("at", "colour"),
    [(0, 0), (0.99, 0), (1, 1), (1.5, 1), (2, 2), (2.99, 2), (1000, 2)],
)
async def test_a_poster_shows_what_a_player_shows_at_that_time(
    bench: Bench, film: FilmMaker, at: float, colour: int
) -> None:
    colours = "".join(
        f"color={name}:size=320x240:rate=10:duration=1,format=yuv420p[{name}];"
        for name in ("red", "lime", "blue")
    )
    source = film("colours.mp4", "-filter_complex", f"{colours}[red][lime][blue]concat=n=3")
    outputs = await bench.make(source, {"op": "poster", "at": at, "formats": "png"})
    with Image.open(bench.path(outputs["poster.png"])) as poster:
        mean = ImageStat.Stat(poster.convert("RGB")).mean
    assert mean.index(max(mean)) == colour


async def test_a_poster_comes_in_the_formats_and_size_asked_for(bench: Bench) -> None:
    wanted = {"op": "poster", "name": "cover", "formats": ["webp", "jpeg"], "width": 320}
    outputs = await bench.make(BUNNY, wanted)
    assert {n: (o.width, o.height) for n, o in outputs.items()} == {
        "cover.webp": (320, 180),
        "cover.jpg": (320, 180),
    }


# Bad films


async def _refusal(bench: Bench, source: Path, *operations: Any) -> MillraceError:
    with pytest.raises(MillraceError) as caught:
        await bench.make(source, *operations)
    message = str(caught.value)
    assert str(source.parent) not in message
    assert "\n" not in message
    return caught.value


async def test_sound_alone_is_no_film(bench: Bench, film: FilmMaker) -> None:
    error = await _refusal(bench, film("sound.m4a", *TONE))
    assert isinstance(error, UnsupportedMedia)
    assert str(error) == "The file has no video stream."


async def test_a_text_file_is_no_film(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_text("This is no film.\n" * 100)
    assert isinstance(await _refusal(bench, source), UnsupportedMedia)


async def test_an_empty_file_is_no_film(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.touch()
    assert isinstance(await _refusal(bench, source), UnsupportedMedia)


async def test_a_film_without_its_index_is_damaged(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes(BUNNY.read_bytes()[:200_000])
    error = await _refusal(bench, source)
    assert isinstance(error, CorruptMedia | UnsupportedMedia)


async def test_a_film_that_breaks_off_is_damaged(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    whole = film("whole.mp4", "-i", str(BUNNY), "-c", "copy", "-movflags", "+faststart")
    source = tmp_path / "film.mp4"
    source.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    error = await _refusal(bench, source)
    assert isinstance(error, CorruptMedia)
    assert "seconds can be decoded" in str(error)


async def test_noise_in_a_container_is_damaged(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mkv"
    source.write_bytes(b"\x1a\x45\xdf\xa3" + hashlib.shake_256(b"noise").digest(100_000))
    assert isinstance(await _refusal(bench, source), CorruptMedia)


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
    error = await _refusal(bench, BUNNY, {"op": "renditions", "crf": 1})
    assert isinstance(error, SourceTooLarge)
    assert sentence in str(error)


async def test_too_much_time_is_too_much(benches: Benches) -> None:
    bench = await benches(ffmpeg_limit_seconds=0.5)
    error = await _refusal(bench, BUNNY, SLOW)
    assert isinstance(error, TimeLimit)
    assert not _processes_with(bench.work.directory)


# The end of ffmpeg


async def test_cancelling_kills_ffmpeg(bench: Bench) -> None:
    making = asyncio.create_task(bench.make(BUNNY, SLOW))
    await _until(lambda: len(bench.told) > 1)
    started = time.monotonic()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert time.monotonic() - started < 2
    assert not _processes_with(bench.work.directory)
    assert bench.work.spent.cpu_seconds > 0
    # … and the next film is not disturbed
    assert await bench.make(BUNNY, "poster")


async def test_a_killed_ffmpeg_is_worth_another_attempt(bench: Bench) -> None:
    making = asyncio.create_task(bench.make(BUNNY, SLOW))
    await _until(lambda: len(bench.told) > 1)
    for pid in _processes_with(bench.work.directory):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineUnavailable, match="ffmpeg was killed by signal 9"):
        await making


def _processes_with(directory: Path) -> list[int]:
    """The processes, zombies aside, that have this directory among their arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(directory).encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - nothing tells when a program has started
            await asyncio.sleep(0.02)


# What files are like


def _check_file(bench: Bench, output: Output) -> None:
    content = bench.path(output).read_bytes()
    assert len(content) == output.size
    assert hashlib.sha256(content).hexdigest() == output.sha256


def _check_plays(path: Path, size: tuple[int, int]) -> None:
    """H.264 and AAC as every browser plays them, decodable to the end."""
    with av.open(str(path)) as media:
        video = media.streams.video[0]
        assert (video.width, video.height) == size
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert video.sample_aspect_ratio in {None, 1}
        assert all(sound.codec_context.name == "aac" for sound in media.streams.audio)
        assert sum(1 for _ in media.decode(video)) >= 24


def _brightness(path: Path) -> float:
    with Image.open(path) as image:
        return ImageStat.Stat(image.convert("L")).mean[0]


def _difference(path: Path, other: Image.Image) -> float:
    with Image.open(path) as image:
        pairs = zip(
            ImageStat.Stat(image.convert("RGB")).mean,
            ImageStat.Stat(other.convert("RGB")).mean,
            strict=True,
        )
    return max(abs(a - b) for a, b in pairs)
