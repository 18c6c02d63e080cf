"""Captions, and the languages of tracks."""

from pathlib import Path

import av
import pytest

from services.process.video.ffmpeg.codecs import CODECS, CodecName
from tests.films import TONE, Bench, FilmMaker, needs, pattern
from tests.integration.films.looks import SMALL


async def test_captions_are_taken_out_or_go_along(bench: Bench, captioned: Path) -> None:
    made = await bench.make(captioned, "captions", {**SMALL, "captions": True}, "probe")
    assert made["captions-1.vtt"].media_type == "text/vtt"
    text = bench.path(made["captions-1.vtt"]).read_text()
    assert text.startswith("WEBVTT")
    assert "00:00.100 --> 00:00.900\nGood morning" in text
    with av.open(str(bench.path(made["96p.mp4"]))) as media:
        assert media.streams.subtitles[0].codec_context.name == "mov_text"
    told = made["probe.json"].value
    assert told is not None
    assert [(track["codec"], track["language"]) for track in told["captions"]] == [
        ("subrip", "deu")
    ]


@pytest.mark.parametrize("codec", ["h264", "vp9"])
@pytest.mark.parametrize("audio", [True, False])
async def test_captions_that_go_on_behind_the_film_make_it_no_longer(
    bench: Bench, film: FilmMaker, tmp_path: Path, codec: CodecName, audio: bool
) -> None:
    needs(CODECS[codec].library)
    text = tmp_path / "late.srt"
    text.write_text("1\n00:00:00,500 --> 00:00:05,000\nGood night\n")
    source = film("night.mkv", *pattern("160x96"), *TONE, "-i", str(text), "-c:s", "srt")
    asked = {**SMALL, "codec": codec, "audio": audio, "captions": True}
    (output,) = (await bench.make(source, asked)).values()
    assert output.duration_seconds == pytest.approx(1, abs=0.03)
    assert output.missing_seconds is None


@pytest.fixture
def languages(film: FilmMaker, tmp_path: Path) -> Path:
    """Sound in French; captions in German, in no language, and in English."""
    text = tmp_path / "text.srt"
    text.write_text("1\n00:00:00,100 --> 00:00:00,900\nGood morning\n")
    captions = ("-i", str(text)) * 3
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:s", "-map", "3:s", "-map", "4:s")
    told = {"s:a:0": "fra", "s:s:0": "deu", "s:s:2": "eng"}
    metadata = [
        a for track, name in told.items() for a in (f"-metadata:{track}", f"language={name}")
    ]
    return film("languages.mkv", *pattern("160x96"), *TONE, *captions, *maps, *metadata)


async def test_languages_of_sound_and_captions_are_kept(bench: Bench, languages: Path) -> None:
    along = {**SMALL, "captions": True}
    made = await bench.make(
        languages, along, {**along, "name": "web", "codec": "vp9"}, "captions", "audio"
    )
    told = {name: output.language for name, output in made.items()}
    assert told == {
        "96p.mp4": None,
        "web-96p.webm": None,
        "captions-1.vtt": "deu",
        "captions-2.vtt": None,
        "captions-3.vtt": "eng",
        "audio.m4a": "fra",
    }
    for name, unknown in {"96p.mp4": "und", "web-96p.webm": None}.items():
        with av.open(str(bench.path(made[name]))) as media:
            assert media.streams.audio[0].language == "fra"
            captions = [track.language for track in media.streams.subtitles]
            assert captions == ["deu", unknown, "eng"]
    with av.open(str(bench.path(made["audio.m4a"]))) as media:
        assert media.streams.audio[0].language == "fra"
