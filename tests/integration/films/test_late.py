"""Films whose pictures begin later than their sound."""

import re
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.films import Bench, FilmMaker
from tests.integration.films.looks import colour_of, onset, opened

HLS = {"op": "hls", "heights": [96], "segmentSeconds": 2, "preset": "ultrafast", "dash": True}
BOARD = {"op": "storyboard", "intervalSeconds": 1, "format": "png"}
PARTS = ("red", "lime", "blue")


@pytest.fixture
def late(film: FilmMaker) -> Path:
    """Two seconds of sound alone, which then becomes loud; then a second of each colour."""
    parts = ";".join(
        f"color={name}:size=160x96:rate=10:duration=1,format=yuv420p[{name}]" for name in PARTS
    )
    joined = f"{parts};{''.join(f'[{name}]' for name in PARTS)}concat=n=3"
    sound = ("-f", "lavfi", "-i", "aevalsrc=sin(2000*t)*gte(t\\,2)/2:d=5")
    return film("late.mp4", "-itsoffset", "2", "-f", "lavfi", "-i", joined, *sound)


def cues(bench: Bench, output: object) -> list[tuple[str, str]]:
    """When each cue begins, and what colour it shows."""
    told = bench.path(output).read_text()  # type: ignore[arg-type]
    found = re.findall(r"00:(\S+) --> .*\n(.*)#xywh=(\d+),(\d+),(\d+),(\d+)", told)
    sheets = []
    for begin, file, *numbers in found:
        x, y, width, height = map(int, numbers)
        with Image.open(bench.path(output).with_name(file)) as sheet:  # type: ignore[arg-type]
            sheets.append(
                (begin, colour_of(sheet.convert("RGB").crop((x, y, x + width, y + height))))
            )
    return sheets


CUES = [
    ("00:00.000", "red"),  # the first picture there is
    ("00:01.000", "red"),
    ("00:02.000", "red"),
    ("00:03.000", "lime"),
    ("00:04.000", "blue"),
]


async def test_a_storyboard_has_its_cues_at_the_film_s_times(bench: Bench, late: Path) -> None:
    made = await bench.make(late, BOARD)
    assert cues(bench, made["storyboard.vtt"]) == CUES


async def test_so_has_one_that_comes_with_a_whole_passage(bench: Bench, late: Path) -> None:
    made = await bench.make(late, BOARD, {"op": "renditions", "heights": 96})
    assert cues(bench, made["storyboard.vtt"]) == CUES


async def test_streams_begin_together_with_the_first_picture(bench: Bench, late: Path) -> None:
    output = (await bench.make(late, HLS))["hls.m3u8"]
    playlist = bench.path(output)
    assert output.duration_seconds == pytest.approx(5, abs=0.01)
    lengths = re.findall(r"#EXTINF:(.*),", (playlist.parent / "96p/index.m3u8").read_text())
    assert [float(length) for length in lengths] == pytest.approx([2, 2, 1], abs=0.01)
    assert 'mediaPresentationDuration="PT5.000S"' in playlist.with_name("manifest.mpd").read_text()
    with av.open(str(playlist)) as media:
        shown = {round(f.time or 0, 2): colour_of(f.to_image()) for f in media.decode(video=0)}  # type: ignore[no-untyped-call]
    assert min(shown) == 0
    assert {shown[time] for time in shown if time < 3} == {"red"}
    assert {shown[time] for time in shown if 3 <= time < 4} == {"lime"}
    assert max(b - a for a, b in zip(sorted(shown), sorted(shown)[1:], strict=False)) <= 0.5
    assert onset(playlist) == pytest.approx(2, abs=0.05)


async def test_a_rendition_leaves_them_where_they_are(bench: Bench, late: Path) -> None:
    made = await bench.make(late, {"op": "renditions", "heights": 96})
    with av.open(str(bench.path(made["96p.mp4"]))) as media:
        first = next(media.decode(video=0)).time
        sound = media.streams.audio[0]
        assert (sound.start_time or 0) * (sound.time_base or 0) == 0
    assert first == pytest.approx(2, abs=0.01)


async def test_a_preview_begins_with_pictures(bench: Bench, late: Path) -> None:
    made = await bench.make(late, {"op": "preview", "seconds": 2, "at": 0})
    with av.open(str(bench.path(made["preview.mp4"]))) as media:
        frames = [(f.time, colour_of(f.to_image())) for f in media.decode(video=0)]  # type: ignore[no-untyped-call]
    assert (frames[0], frames[-1][1]) == ((0, "red"), "lime")
    assert made["preview.mp4"].duration_seconds == pytest.approx(2, abs=0.1)


async def test_a_poster_in_between_is_the_first_picture(bench: Bench, late: Path) -> None:
    made = await bench.make(
        late,
        {"op": "poster", "at": 0, "formats": "png"},
        {"op": "poster", "name": "later", "at": "70%", "formats": "png"},
    )
    shown = [colour_of(opened(bench, made[name])) for name in ("poster.png", "later.png")]
    assert shown == ["red", "lime"]


async def test_a_part_has_the_sound_before_the_pictures(bench: Bench, late: Path) -> None:
    output = (await bench.make(late, {"op": "trim", "start": 1, "end": 4}))["trim.mp4"]
    assert output.duration_seconds == pytest.approx(3, abs=0.1)
    with av.open(str(bench.path(output))) as media:
        sound, first = media.streams.audio[0], next(media.decode(video=0)).time
        assert float((sound.start_time or 0) * (sound.time_base or 0)) == 0
    assert first == pytest.approx(1, abs=0.01)
    assert onset(bench.path(output)) == pytest.approx(0, abs=0.05)
