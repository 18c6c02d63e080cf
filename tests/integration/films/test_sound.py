"""Sound taken out of films, made loud, and drawn."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageStat

from shared.errors import CorruptMedia, UnsupportedMedia
from tests.films import ROOT, TONE, Bench, FilmMaker, pattern


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("m4a", "aac"), ("mp3", "mp3"), ("opus", "opus"), ("flac", "flac"), ("wav", "pcm_s16le")],
)
async def test_sound_is_taken_out(bench: Bench, colours: Path, kind: str, codec: str) -> None:
    output = (await bench.make(colours, {"op": "audio", "format": kind}))[f"audio.{kind}"]
    with av.open(str(bench.path(output))) as media:
        assert media.streams.audio[0].codec_context.name.removesuffix("float") == codec
        assert not media.streams.video
    assert output.duration_seconds == pytest.approx(4, abs=0.1)
    assert output.media_type.startswith("audio/")


async def test_loudness_is_brought_to_what_is_asked(bench: Bench, film: FilmMaker) -> None:
    quiet = ("-f", "lavfi", "-i", "sine=duration=4,volume=0.05")
    source = film("quiet.mp4", *pattern("160x96", 4), *quiet)
    made = await bench.make(
        source,
        {"op": "audio", "name": "a", "format": "wav"},
        {"op": "audio", "name": "b", "format": "wav", "loudness": -16},
    )
    before, after = (_power(bench.path(made[f"{name}.wav"])) for name in "ab")
    assert after > 4 * before


def _power(path: Path) -> float:
    with av.open(str(path)) as media:
        blocks = [frame.to_ndarray() for frame in media.decode(audio=0)]
    return float(sum((block.astype(float) ** 2).sum() for block in blocks) ** 0.5)


@pytest.mark.parametrize("kind", ["m4a", "mp3", "opus", "flac", "wav"])
async def test_loudness_in_any_format(bench: Bench, film: FilmMaker, kind: str) -> None:
    """ffmpeg levels less than three seconds in one piece."""
    source = film("two.mkv", "-f", "lavfi", "-i", "sine=duration=2", "-c:a", "flac")
    wanted = {"op": "audio", "format": kind, "loudness": -16}
    output = (await bench.make(source, wanted))[f"audio.{kind}"]
    with av.open(str(bench.path(output))) as media:
        assert media.streams.audio[0].rate == 48000
        assert media.streams.audio[0].channels == 1
    assert output.duration_seconds == pytest.approx(2, abs=0.1)


async def test_a_waveform_shows_where_it_is_loud(bench: Bench, colours: Path) -> None:
    wanted = {"op": "waveform", "width": 400, "height": 100, "formats": "png", "colour": "#ff0000"}
    output = (await bench.make(colours, wanted))["waveform.png"]
    with Image.open(bench.path(output)) as drawing:
        assert drawing.size == (400, 100)
        drawn = drawing.convert("RGBA")
    alpha = drawn.getchannel("A")
    quiet, loud = (ImageStat.Stat(alpha.crop((x, 0, x + 50, 100))).mean[0] for x in (0, 350))
    assert loud > 2 * quiet > 0
    assert [path.name for path in bench.work.directory.iterdir()] == ["waveform.png"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("song.m4a", ()),
        ("song.wav", ()),
        ("song.flac", ()),
        ("song.mp3", ()),
        ("bare.mp3", ("-id3v2_version", "0", "-write_xing", "0")),
        ("song.ogg", ("-c:a", "libvorbis")),
    ],
)
async def test_a_sound_file_becomes_a_file_of_sound_and_a_drawing_by_default(
    bench: Bench, film: FilmMaker, name: str, options: tuple[str, ...]
) -> None:
    made = await bench.make(film(name, *TONE, *options))
    assert set(made) == {"audio.m4a", "waveform.webp"}
    assert made["audio.m4a"].duration_seconds == pytest.approx(1, abs=0.1)


async def test_a_cover_is_no_film(bench: Bench, film: FilmMaker) -> None:
    cover = ("-i", str(ROOT / "examples" / "mountains.jpg"), "-c:v", "mjpeg")
    small = ("-vf", "scale=64:-2", "-disposition:v", "attached_pic")
    made = await bench.make(film("cover.mp3", *TONE, *cover, *small), "probe", "audio")
    told = made["probe.json"].value
    assert told is not None
    assert "video" not in told
    assert told["audio"][0]["codec"] in {"mp3", "mp3float"}


@pytest.mark.parametrize("name", ["song.mp3", "song.flac", "song.wav"])
async def test_half_a_sound_file_is_refused_or_as_long_as_it_is(
    bench: Bench, film: FilmMaker, tmp_path: Path, name: str
) -> None:
    whole = film(f"long-{name}", "-f", "lavfi", "-i", "sine=duration=8").read_bytes()
    half = tmp_path / name
    half.write_bytes(whole[: len(whole) // 2])
    try:
        made = (await bench.make(half, "audio"))["audio.m4a"]
    except CorruptMedia:
        return
    assert made.duration_seconds == pytest.approx(4, abs=0.3)


@pytest.fixture(params=["mp4", "mkv"])
def late(film: FilmMaker, request: pytest.FixtureRequest) -> Path:
    """Eight seconds of pictures, and a tone from the third to the sixth."""
    tone = ("-itsoffset", "3", "-f", "lavfi", "-i", "sine=duration=3,volume=8")
    return film(f"late-sound.{request.param}", *pattern("160x96", 8), *tone)


@pytest.mark.parametrize("container", ["mp4", "mkv", "flv", "ts"])
async def test_a_waveform_begins_with_sound_that_is_there_before_the_pictures(
    bench: Bench, film: FilmMaker, container: str
) -> None:
    pictures = ("-itsoffset", "3", *pattern("160x96", 3))
    tone = ("-f", "lavfi", "-i", "sine=duration=6,volume=8")
    wanted = {"op": "waveform", "width": 600, "height": 100, "formats": "png"}
    source = film(f"late-pictures.{container}", *pictures, *tone)
    output = (await bench.make(source, wanted))["waveform.png"]
    with Image.open(bench.path(output)) as drawing:
        left, _, right, _ = drawing.convert("RGBA").getchannel("A").getbbox() or (0, 0, 0, 0)
    assert [left, right] == pytest.approx([0, 600], abs=10)


async def test_a_waveform_covers_the_film_s_time(bench: Bench, late: Path) -> None:
    wanted = {"op": "waveform", "width": 800, "height": 100, "formats": "png"}
    output = (await bench.make(late, wanted))["waveform.png"]
    with Image.open(bench.path(output)) as drawing:
        assert drawing.size == (800, 100)
        left, _, right, _ = drawing.convert("RGBA").getchannel("A").getbbox() or (0, 0, 0, 0)
    assert [left, right] == pytest.approx([300, 600], abs=10)


@pytest.mark.parametrize("loudness", [None, -16])
async def test_sound_that_is_taken_out_stays_in_step(
    bench: Bench, late: Path, loudness: int | None
) -> None:
    wanted = {"op": "audio", "format": "wav", "loudness": loudness}
    output = (await bench.make(late, wanted))["audio.wav"]
    assert output.duration_seconds == pytest.approx(6, abs=0.1)
    with av.open(str(bench.path(output))) as media:
        frames = (
            (f.time or 0.0, np.abs(f.to_ndarray().astype(float)).max())
            for f in media.decode(audio=0)
        )
        assert next(time for time, loud in frames if loud > 1000) == pytest.approx(3, abs=0.1)


async def test_sound_alone_has_what_needs_no_pictures(bench: Bench, film: FilmMaker) -> None:
    source = film("song.m4a", *TONE)
    made = await bench.make(source, "probe", "audio", {"op": "waveform", "width": 100})
    assert set(made) == {"probe.json", "audio.m4a", "waveform.webp"}
    told = made["probe.json"].value
    assert told is not None
    assert "video" not in told
    with pytest.raises(UnsupportedMedia, match="no video stream"):
        await bench.make(source, "storyboard")


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ("audio", "The film has no sound"),
        ({"op": "waveform", "track": 2}, "no track 2 of sound; it has 0"),
        ("captions", "no captions that are text"),
    ],
)
async def test_what_is_not_there_is_said(
    bench: Bench, film: FilmMaker, operation: Any, sentence: str
) -> None:
    silent = film("mute.mp4", *pattern("160x96"), "-an")
    with pytest.raises(UnsupportedMedia, match=sentence):
        await bench.make(silent, operation)
