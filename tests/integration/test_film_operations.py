"""Each operation on films through the real ffmpeg; sizes are tiny, so that it is quick."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from services.process.image.pictures import Pictures
from shared.errors import InvalidJob, UnsupportedMedia
from shared.jobs import Output
from shared.workspace import Attempt
from tests.films import BUNNY, TONE, Bench, FilmMaker, pattern

SMALL = {"op": "renditions", "heights": [96], "preset": "ultrafast"}
COLOURS = ("red", "lime", "blue", "white")


@pytest.fixture
def colours(film: FilmMaker) -> Path:
    """A second of each colour, with one key frame only; sound that grows louder."""
    parts = "".join(
        f"color={name}:size=160x96:rate=10:duration=1,format=yuv420p[{name}];" for name in COLOURS
    )
    joined = f"{parts}{''.join(f'[{name}]' for name in COLOURS)}concat=n=4[v]"
    sound = ("-f", "lavfi", "-i", "aevalsrc=sin(2000*t)*t/4:d=4")
    return film(
        "four.mp4",
        *(*sound, "-filter_complex", joined, "-map", "[v]", "-map", "0:a"),
        *("-x264-params", "scenecut=0:keyint=100"),
    )


def opened(bench: Bench, output: Output) -> Image.Image:
    return Image.open(io.BytesIO(bench.path(output).read_bytes())).convert("RGB")


def colour_of(picture: Image.Image) -> str:
    red, green, blue = (value > 128 for value in ImageStat.Stat(picture).mean)
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 1): "white"}
    return names[int(red), int(green), int(blue)]


# Pictures


@pytest.mark.parametrize(("at", "colour"), [("0%", "red"), ("30%", "lime"), ("100%", "white")])
async def test_a_poster_is_taken_at_a_share(
    bench: Bench, colours: Path, at: str, colour: str
) -> None:
    made = await bench.make(colours, {"op": "poster", "at": at})
    assert colour_of(opened(bench, made["poster.webp"])) == colour


async def test_thumbnails_are_spread_over_the_film(bench: Bench, colours: Path) -> None:
    made = await bench.make(
        colours, {"op": "thumbnails", "count": 4, "formats": ["png", "avif"], "width": 80}
    )
    pictures = [opened(bench, made[f"thumbnails-{n}.png"]) for n in range(1, 5)]
    assert [colour_of(picture) for picture in pictures] == [*COLOURS]
    assert {picture.size for picture in pictures} == {(80, 48)}
    assert made["thumbnails-1.avif"].media_type == "image/avif"
    assert sorted(path.name for path in bench.work.directory.iterdir()) == sorted(made)


async def test_pictures_are_handed_over_no_larger_than_they_are_needed(
    bench: Bench, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = []
    render = Pictures.render

    async def told(
        pictures: Pictures, source: Path, wishes: Sequence[Any], work: Attempt
    ) -> tuple[Output, ...]:
        with Image.open(source) as picture:
            handed.append(picture.size)
        return await render(pictures, source, wishes, work)

    monkeypatch.setattr(Pictures, "render", told)
    series = {"op": "thumbnails", "count": 2, "width": 80, "formats": ["png", "webp"]}
    poster, large = {"op": "poster", "width": 100}, {"op": "poster", "name": "large"}
    made = await bench.make(colours, series, poster, large)
    assert handed == [(80, 48), (80, 48), (100, 60), (160, 96)]
    assert (made["thumbnails-2.png"].width, made["poster.webp"].width) == (80, 100)


@pytest.mark.parametrize("beside", [(), ({**SMALL, "crf": 30},)])
async def test_a_storyboard_tells_which_picture_is_when(
    bench: Bench, colours: Path, beside: tuple[dict[str, Any], ...]
) -> None:
    """By itself it looks for its pictures; beside what decodes the film it takes them from there."""
    board = {"op": "storyboard", "width": 40, "format": "png"}
    made = await bench.make(colours, board, *beside)
    output = made["storyboard.vtt"]
    (member,) = output.members
    sheet = Image.open(bench.work.locate(member.path)).convert("RGB")
    blocks = bench.path(output).read_text().strip().split("\n\n")[1:]
    times, places = zip(*(block.split("\n") for block in blocks), strict=True)
    assert times[1] == "00:00:01.000 --> 00:00:02.000"
    boxes = [[int(n) for n in place.split("#xywh=")[1].split(",")] for place in places]
    shown = [sheet.crop((x, y, x + w, y + h)) for x, y, w, h in boxes]
    assert [colour_of(picture) for picture in shown] == [*COLOURS]
    assert {place.split("#")[0] for place in places} == {member.path.rpartition("/")[2]}
    assert sorted(p.name for p in bench.path(output).parent.iterdir()) == [
        "index.vtt",
        "storyboard.png",
    ]
    assert {path.name for path in bench.work.directory.iterdir()} <= {"storyboard", "96p.mp4"}


async def test_a_film_of_one_picture_has_a_storyboard(bench: Bench, film: FilmMaker) -> None:
    source = film("one.mp4", *pattern("160x96", 0.04), "-c:v", "libx264")
    made = await bench.make(source, SMALL, "storyboard", {"op": "hls", "heights": [96]})
    assert set(made) == {"96p.mp4", "storyboard.vtt", "hls.m3u8"}
    assert bench.path(made["storyboard.vtt"]).read_text().count("-->") == 1


async def test_pictures_found_by_key_frames_are_upright(bench: Bench, film: FilmMaker) -> None:
    lying = film("lying-small.mp4", *pattern("160x96", 2), "-c:v", "libx264")
    turned = ("-display_rotation", "90", "-i", str(lying), "-c", "copy")
    source = film("turned-small.mp4", *turned)
    made = await bench.make(
        source,
        {"op": "thumbnails", "count": 1, "formats": "png"},
        {"op": "poster", "at": "50%", "formats": "png"},
    )
    pictures = [opened(bench, made[name]) for name in ("thumbnails-1.png", "poster.png")]
    assert [picture.size for picture in pictures] == [(96, 160)] * 2
    assert max(ImageStat.Stat(ImageChops.difference(*pictures)).mean) < 12


# Moving pictures


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


async def test_a_part_is_cut_at_the_very_picture(bench: Bench, colours: Path) -> None:
    output = (await bench.make(colours, {"op": "trim", "start": 0.9, "end": 2.1}))["trim.mp4"]
    with av.open(str(bench.path(output))) as media:
        frames = [f.to_image() for f in media.decode(video=0)]  # type: ignore[no-untyped-call]
        assert len(media.streams.audio) == 1
    shown = [colour_of(frame) for frame in frames]
    assert shown == ["red"] + ["lime"] * 10 + ["blue"]
    assert output.duration_seconds == pytest.approx(1.2, abs=0.05)


async def test_a_part_behind_the_end_is_refused(bench: Bench, colours: Path) -> None:
    with pytest.raises(InvalidJob, match="start 9 is behind the film's end"):
        await bench.make(colours, {"op": "trim", "start": 9})


# Names


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ({"op": "trim", "name": "96p"}, "'renditions' and '96p' both make '96p.mp4'"),
        ({"op": "preview", "name": "a-96p"}, "'a' and 'a-96p' both make 'a-96p.mp4'"),
        ({"op": "poster", "name": "b-2"}, "'b' and 'b-2' both make 'b-2.webp'"),
        ({"op": "storyboard", "name": "c-1"}, "'c' and 'c-1' both make 'c-1.vtt'"),
        ({"op": "storyboard", "name": "b-1"}, "'b' and 'b-1' both make 'b-1.webp'"),
    ],
)
async def test_names_that_collide_are_told_before_anything_is_made(
    bench: Bench, captioned: Path, operation: Any, sentence: str
) -> None:
    series = {"op": "thumbnails", "name": "b", "count": 2}
    beside = [SMALL, {**SMALL, "name": "a"}, series, {"op": "captions", "name": "c"}]
    with pytest.raises(
        InvalidJob, match=f"^operations: {sentence}; give one of them another name$"
    ):
        await bench.make(captioned, *beside, operation)
    assert not [*bench.work.directory.iterdir()]
    assert bench.told == []


# Sound, captions


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


@pytest.fixture
def captioned(film: FilmMaker, tmp_path: Path) -> Path:
    text = tmp_path / "text.srt"
    text.write_text("1\n00:00:00,100 --> 00:00:00,900\nGood morning\n")
    return film(
        "captioned.mkv",
        *pattern("160x96"),
        "-i",
        str(text),
        "-c:s",
        "srt",
        "-metadata:s:s",
        "language=deu",
    )


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


async def test_probe_tells_what_the_film_is(bench: Bench) -> None:
    output = (await bench.make(BUNNY, "probe"))["probe.json"]
    assert output.value is not None
    assert output.value["durationSeconds"] == pytest.approx(5.312)
    video = output.value["video"]
    assert (video["codec"], video["width"], video["height"]) == ("h264", 1280, 720)
    assert (video["frameRate"], video["rotation"], video["hdr"]) == (25, 0, None)
    assert [track["channels"] for track in output.value["audio"]] == [6]


# Encoders


@pytest.mark.parametrize(
    ("codec", "name", "sound"),
    [("hevc", "hevc", "aac"), ("av1", "av1", "aac"), ("vp9", "vp9", "opus")],
)
async def test_other_codecs(
    bench: Bench, film: FilmMaker, codec: str, name: str, sound: str
) -> None:
    source = film("sounding.mkv", *pattern("160x96"), *TONE)
    made = await bench.make(source, {**SMALL, "codec": codec})
    (output,) = made.values()
    with av.open(str(bench.path(output))) as media:
        assert media.streams.video[0].codec.canonical_name == name
        assert media.streams.audio[0].codec_context.name == sound
        frames = sum(1 for _ in media.decode(video=0))
    assert frames == 25
    assert output.media_type == ("video/webm" if codec == "vp9" else "video/mp4")


@pytest.mark.parametrize("codec", ["hevc", "av1"])
async def test_hdr_is_kept_where_that_is_asked(bench: Bench, film: FilmMaker, codec: str) -> None:
    told = "transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc:log-level=error"
    start = pattern("160x96", 0.4, ",format=yuv420p10le")
    source = film("pq.mp4", *start, "-c:v", "libx265", "-x265-params", told)
    kept = {**SMALL, "name": "kept", "codec": codec, "hdr": True}
    made = await bench.make(source, kept, SMALL, "probe")
    assert made["probe.json"].value is not None
    assert made["probe.json"].value["video"]["hdr"] == "PQ"
    looks = {}
    for name in ("kept-96p.mp4", "96p.mp4"):
        with av.open(str(bench.path(made[name]))) as media:
            frame = next(media.decode(video=0))
            looks[name] = (frame.format.name, int(frame.color_trc))
    assert looks["kept-96p.mp4"] == ("yuv420p10le", 16)
    assert looks["96p.mp4"][0] == "yuv420p"
    assert looks["96p.mp4"][1] != 16


async def test_a_frame_rate_is_capped_and_never_raised(bench: Bench, film: FilmMaker) -> None:
    source = film("rate.mkv", *pattern("160x96"))
    made = await bench.make(
        source,
        {**SMALL, "name": "slow", "maxFps": 10},
        {**SMALL, "name": "same", "maxFps": 60},
    )
    counts = {}
    for name, output in made.items():
        with av.open(str(bench.path(output))) as media:
            counts[name] = sum(1 for _ in media.decode(video=0))
    assert counts == {"slow-96p.mp4": 10, "same-96p.mp4": 25}


async def test_a_film_that_is_what_is_wanted_is_copied(bench: Bench, film: FilmMaker) -> None:
    plain = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "45")
    source = film("fit.mkv", *pattern("160x96"), *TONE, *plain)
    fit = film("fit.mp4", "-i", str(source), "-c", "copy")
    made = await bench.make(
        fit,
        SMALL,
        {**SMALL, "name": "anew", "copySource": False},
        {**SMALL, "name": "finer", "crf": 10},
    )
    packets = {name: _packets(bench.path(output)) for name, output in made.items()}
    assert packets["96p.mp4"] == _packets(fit)
    assert packets["anew-96p.mp4"] != packets["96p.mp4"]
    (from_matroska,) = (await bench.make(source, {**SMALL, "name": "mkv"})).values()
    assert _packets(bench.path(from_matroska)) == _packets(source)
    assert made["finer-96p.mp4"].size > made["anew-96p.mp4"].size


@pytest.mark.parametrize("container", ["mp4", "mkv"])
async def test_copied_hevc_has_the_name_that_all_players_know(
    bench: Bench, film: FilmMaker, container: str
) -> None:
    encoded = ("-c:v", "libx265", "-x265-params", "log-level=error", "-crf", "45")
    tag = () if container == "mkv" else ("-tag:v", "hev1")
    small = ("-pix_fmt", "yuv420p", *encoded, *tag)
    source = film(f"tagged.{container}", *pattern("160x96"), *small)
    made = await bench.make(source, {**SMALL, "codec": "hevc"})
    with av.open(str(bench.path(made["96p.mp4"]))) as media:
        assert media.streams.video[0].codec_tag == "hvc1"
        assert sum(1 for _ in media.decode(video=0)) == 25


def _packets(path: Path, kind: str = "video") -> list[bytes]:
    with av.open(str(path)) as media:
        return [bytes(packet) for packet in media.demux(**{kind: 0}) if packet.size]


async def test_sound_that_is_what_is_wanted_is_copied(bench: Bench, film: FilmMaker) -> None:
    """Beside encoded pictures, too: it stays in step with them."""
    late = "aevalsrc=sin(2000*t)*gt(t\\,0.5)|0:d=1:sample_rate=44100"
    encoded = ("-c:v", "libx264", "-b:v", "2M", "-c:a", "aac", "-b:a", "96k")
    source = film("stereo.mp4", *pattern("160x96"), "-f", "lavfi", "-i", late, *encoded)
    changes: dict[str, dict[str, Any]] = {
        "copied": {"maxFps": 10},
        "anew": {"copySource": False},
        "louder": {"loudness": -16},
        "lighter": {"audioKbps": 32},
    }
    wanted = [{**SMALL, "name": name, **change} for name, change in changes.items()]
    made = await bench.make(source, *wanted)
    original = _packets(source, "audio")
    same = {n for n in changes if _packets(bench.path(made[f"{n}-96p.mp4"]), "audio") == original}
    assert same == {"copied"}
    onsets = [_onset(bench.path(made[f"{name}-96p.mp4"])) for name in ("copied", "anew")]
    assert onsets == pytest.approx([0.5, 0.5], abs=0.03)


@pytest.mark.parametrize(
    ("sound", "is_copied"),
    [
        ("aevalsrc=random(0)*0.01|0:d=3", True),
        ("aevalsrc=random(0)*gt(t\\,2)|random(1)*gt(t\\,2):d=3", False),  # silent, then heavy
    ],
)
async def test_sound_of_films_that_do_not_tell_its_rate_is_measured(
    bench: Bench, film: FilmMaker, sound: str, is_copied: bool
) -> None:
    encoded = ("-c:v", "libx264", "-c:a", "aac", "-b:a", "90k" if is_copied else "400k")
    source = film(f"{is_copied}.mkv", *pattern("160x96", 3), "-f", "lavfi", "-i", sound, *encoded)
    (made,) = (await bench.make(source, {**SMALL, "crf": 30, "audioKbps": 96})).values()
    copied = _packets(bench.path(made), "audio") == _packets(source, "audio")
    assert copied is is_copied


@pytest.mark.parametrize("container", ["mkv", "mov", "ts", "flv", "avi"])
async def test_sound_from_any_container_stays_in_step(
    bench: Bench, film: FilmMaker, container: str
) -> None:
    late = "aevalsrc=sin(2000*t)*gt(t\\,0.5)|0:d=2:sample_rate=44100"
    encoded = ("-c:v", "libx264", "-bf", "0", "-c:a", "aac", "-b:a", "96k")
    source = film(f"late.{container}", *pattern("160x96", 2), "-f", "lavfi", "-i", late, *encoded)
    wanted = [{**SMALL, "crf": 30}, {**SMALL, "crf": 30, "name": "anew", "copySource": False}]
    made = await bench.make(source, *wanted)
    onsets = [_onset(bench.path(made[name])) for name in ("96p.mp4", "anew-96p.mp4")]
    assert onsets == pytest.approx([0.5, 0.5], abs=0.05)


def _onset(path: Path) -> float:
    """When it becomes loud, in seconds from the first picture."""
    with av.open(str(path)) as media:
        first = next(media.decode(video=0)).time or 0.0
    with av.open(str(path)) as media:
        loud = (f.time for f in media.decode(audio=0) if np.abs(f.to_ndarray()).max() > 0.1)
        return (next(loud) or 0.0) - first
