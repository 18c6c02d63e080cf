"""What can be decoded of a damaged film is made where that is asked, and says what is missing."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from services.process.video.ffmpeg.ffmpeg import find
from shared.errors import CorruptMedia
from tests.films import BUNNY, Bench, FilmMaker
from tests.integration.films.looks import check_file, refusal

WHOLE_SECONDS = 5.3
RENDITION = {"op": "renditions", "heights": [96], "preset": "ultrafast", "salvage": True}
HLS = {**RENDITION, "op": "hls", "segmentSeconds": 1}
TRIM = {"op": "trim", "start": 1, "end": 4, "preset": "ultrafast", "salvage": True}

Damaged = Callable[..., Path]


@pytest.fixture
def damaged(film: FilmMaker, tmp_path: Path) -> Damaged:
    """Makes a film whose bytes from one share of them to another are gone, or zero."""

    def make(ext: str, since: float, until: float = 1.0, *, zeroed: bool = False) -> Path:
        whole = film(f"sound.{ext}", "-i", str(BUNNY), "-c", "copy", *_in_front(ext)).read_bytes()
        begin, end = int(since * len(whole)), int(until * len(whole))
        source = tmp_path / f"damaged.{ext}"
        source.write_bytes(whole[:begin] + bytes(end - begin if zeroed else 0) + whole[end:])
        return source

    return make


def _in_front(ext: str) -> tuple[str, ...]:
    return ("-movflags", "+faststart") if ext == "mp4" else ()


def check_plays(path: Path, seconds: float) -> None:
    with av.open(str(path)) as media:
        times = [frame.time or 0.0 for frame in media.decode(video=0)]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(seconds, abs=0.15)


@pytest.mark.parametrize("ext", ["mp4", "mkv", "flv"])
async def test_what_is_left_of_a_film_is_made(bench: Bench, damaged: Damaged, ext: str) -> None:
    large = {**RENDITION, "name": "large", "heights": [720]}  # would be copied
    loop = {"op": "preview", "width": 96, "salvage": True}
    moving = [{**loop, "name": kind, "format": kind} for kind in ("mp4", "gif", "webp")]
    sound = [{"op": op, "salvage": True} for op in ("audio", "waveform")]
    made = await bench.make(damaged(ext, 0.5), RENDITION, large, TRIM, *moving, *sound)
    wanted = {"mp4.mp4": 3.0, "gif.gif": 3.0, "webp.webp": 3.0, "trim.mp4": 3.0}
    for name, output in made.items():
        check_file(bench, output)
        assert output.missing_seconds is not None
        assert output.missing_seconds > 1
        if output.duration_seconds is not None:
            both = output.duration_seconds + output.missing_seconds
            assert both == pytest.approx(wanted.get(name, WHOLE_SECONDS), abs=0.1)
    for name in ("96p.mp4", "large-720p.mp4", "trim.mp4"):
        seconds = made[name].duration_seconds
        assert seconds is not None
        check_plays(bench.path(made[name]), seconds)


@pytest.mark.parametrize("ext", ["ts", "avi"])
async def test_films_that_do_not_tell_their_length_are_as_long_as_they_are(
    bench: Bench, damaged: Damaged, ext: str
) -> None:
    made = await bench.make(damaged(ext, 0.5), RENDITION)
    check_plays(bench.path(made["96p.mp4"]), 2.2)
    assert made["96p.mp4"].duration_seconds == pytest.approx(2.2, abs=0.1)


@pytest.mark.parametrize("ext", ["mp4", "mkv"])
async def test_a_set_of_what_is_left_plays_to_its_end(
    bench: Bench, damaged: Damaged, ext: str
) -> None:
    made = await bench.make(damaged(ext, 0.5), {**HLS, "heights": [180, 96], "dash": True})
    output = made["hls.m3u8"]
    assert output.duration_seconds == pytest.approx(2.1, abs=0.1)
    assert output.missing_seconds == pytest.approx(3.2, abs=0.1)
    master = bench.path(output)
    for folder in ("180p", "96p", "sound-0"):
        text = (master.parent / folder / "index.m3u8").read_text()
        assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
        assert text.endswith("#EXT-X-ENDLIST\n")
        assert text.count("#EXTINF:") == 2  # 1.0 and 1.1 seconds: the rest would be a tiny piece
        pieces = {line for line in text.splitlines() if line.endswith(".m4s")}
        assert pieces == {path.name for path in (master.parent / folder).glob("*.m4s")}
    check_plays(master, 2.1)


async def test_sound_that_is_not_left_is_left_out_of_a_set(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    late = ("-i", str(BUNNY), "-itsoffset", "4", "-i", str(BUNNY), "-map", "0:v", "-map", "1:a")
    whole = film("late-sound.mkv", *late, "-c", "copy").read_bytes()
    source = tmp_path / "film.mkv"
    source.write_bytes(whole[: len(whole) // 2])
    output = (await bench.make(source, HLS))["hls.m3u8"]
    assert "AUDIO" not in bench.path(output).read_text()
    assert not [member for member in output.members if "sound" in member.path]
    check_plays(bench.path(output), 2.8)
    assert isinstance(await refusal(bench, source, {"op": "audio", "salvage": True}), CorruptMedia)


@pytest.mark.parametrize("ext", ["mp4", "mkv"])
@pytest.mark.parametrize("beside", [(), (RENDITION,)], ids=["jumping", "decoding"])
async def test_a_storyboard_shows_what_is_left(
    bench: Bench, damaged: Damaged, ext: str, beside: tuple[Any, ...]
) -> None:
    board = {"op": "storyboard", "intervalSeconds": 0.5, "salvage": True}
    output = (await bench.make(damaged(ext, 0.5), board, *beside))["storyboard.vtt"]
    cues = bench.path(output).read_text().split("\n\n")[1:]
    assert len(cues) == 4
    begin, _, end = cues[-1].partition("\n")[0].partition(" --> ")
    assert begin == "00:00:01.500"
    # Up to 6, ffmpeg gives up a picture earlier.
    assert float(end.removeprefix("00:00:")) == pytest.approx(2.12, abs=0.05)
    assert output.missing_seconds == pytest.approx(3.2, abs=0.1)


async def test_thumbnails_that_are_not_left_are_left_out(bench: Bench, damaged: Damaged) -> None:
    made = await bench.make(damaged("mp4", 0.5), {"op": "thumbnails", "salvage": True})
    assert set(made) == {"thumbnails-1.webp", "thumbnails-2.webp"}
    missing = [output.missing_seconds for output in made.values()]
    assert missing == pytest.approx([3.2, 3.2], abs=0.1)
    assert len([*bench.work.directory.iterdir()]) == 2


@pytest.mark.parametrize("ext", ["mp4", "mkv", "ts"])
async def test_a_film_with_a_hole_goes_on_behind_it(
    bench: Bench, damaged: Damaged, ext: str
) -> None:
    source = damaged(ext, 0.4, 0.6, zeroed=ext == "mp4")
    made = await bench.make(source, RENDITION)
    check_plays(bench.path(made["96p.mp4"]), 5.3)


async def test_ffmpeg_may_give_up(bench: Bench, damaged: Damaged) -> None:
    """It fails where most of the pictures cannot be decoded, whatever it made of the others."""
    source = damaged("mp4", 0.125, zeroed=True)
    others = [{"op": op, "salvage": True} for op in ("audio", "storyboard", "waveform")]
    made = await bench.make(source, RENDITION, HLS, *others)
    for name in ("96p.mp4", "hls.m3u8"):
        check_plays(bench.path(made[name]), 0.24)
    missing = {name: output.missing_seconds for name, output in made.items()}
    assert (missing.pop("waveform.webp") or 0) > 4  # it takes some of the zeros for sound
    assert [*missing.values()] == pytest.approx([5.04, 5.04, 5.1, 5.04], abs=0.05)


async def test_what_is_whole_misses_nothing(bench: Bench) -> None:
    made = await bench.make(BUNNY, RENDITION, TRIM, {"op": "storyboard", "salvage": True})
    assert {output.missing_seconds for output in made.values()} == {None}


@pytest.mark.parametrize(
    "operation",
    [{**TRIM, "start": 4, "end": 5}, {"op": "preview", "format": "gif", "at": 4, "salvage": True}],
    ids=str,
)
async def test_a_part_of_which_nothing_is_left_is_damaged(
    bench: Bench, damaged: Damaged, operation: Any
) -> None:
    error = await refusal(bench, damaged("mp4", 0.5), operation)
    assert isinstance(error, CorruptMedia)
    assert "nothing of it can be decoded for" in str(error)


async def test_a_film_without_its_index_cannot_be_saved(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes(BUNNY.read_bytes()[:200_000])
    error = await refusal(bench, source, RENDITION)
    assert isinstance(error, CorruptMedia)
    assert "its index (moov) is missing" in str(error)


async def test_a_film_of_which_nothing_is_left_is_damaged(bench: Bench, damaged: Damaged) -> None:
    source = damaged("mp4", 0.5)
    whole = source.read_bytes()
    begin = whole.index(b"mdat") + 4
    source.write_bytes(whole[:begin] + bytes(len(whole) - begin))
    error = await refusal(bench, source, RENDITION)
    assert isinstance(error, CorruptMedia)
    assert "no picture of it can be decoded" in str(error)


async def test_each_operation_has_to_ask(bench: Bench, damaged: Damaged) -> None:
    for other in ("storyboard", {**TRIM, "salvage": False}, "audio"):
        error = await refusal(bench, damaged("mp4", 0.5), RENDITION, other)
        assert isinstance(error, CorruptMedia)


async def test_presets_ask_for_all_their_operations(bench: Bench, damaged: Damaged) -> None:
    made = await bench.make(damaged("mkv", 0.5), {"op": "film", "salvage": True})
    missing = {name: output.missing_seconds is not None for name, output in made.items()}
    assert missing == {
        **dict.fromkeys(["720p.mp4", "480p.mp4", "360p.mp4", "storyboard.vtt"], True),
        "poster.webp": False,
    }


async def test_captions_that_are_left_are_written(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    text = tmp_path / "text.srt"
    text.write_text("".join(f"{n}\n00:00:0{n},200 --> 00:00:0{n},900\n{n}\n\n" for n in range(5)))
    inputs = ("-i", str(BUNNY), "-i", str(text), "-map", "0", "-map", "1")
    whole = film("said.mkv", *inputs, "-c", "copy", "-c:s", "srt").read_bytes()
    source = tmp_path / "film.mkv"
    source.write_bytes(whole[: len(whole) // 2])
    made = await bench.make(source, {"op": "captions", "salvage": True}, HLS)
    assert made["captions-1.vtt"].missing_seconds == pytest.approx(3.2, abs=0.2)
    for text in (
        bench.path(made["captions-1.vtt"]),
        bench.path(made["hls.m3u8"]).parent / "captions-0" / "captions.vtt",
    ):
        assert "00:01.200 --> 00:01.900\n1" in text.read_text()
        assert "00:04.200" not in text.read_text()


def test_the_film_that_ffmpeg_gives_up_on_is_one(damaged: Damaged) -> None:
    source = str(damaged("mp4", 0.125, zeroed=True))
    argv = [str(find().path), "-v", "error", "-i", source, "-f", "null", "-"]
    assert subprocess.run(argv, capture_output=True, check=False).returncode > 0
