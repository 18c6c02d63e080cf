"""Sheets of small pictures, made by the real ffmpeg."""

import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.films import Bench, FilmMaker, pattern
from tests.integration.films.looks import COLOURS, SMALL, colour_of


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


async def test_a_film_much_shorter_than_it_says_has_a_small_storyboard(
    bench: Bench, film: FilmMaker
) -> None:
    """Five hours by its header, in truth two seconds."""
    source = film("five-hours.mkv", *pattern("160x96", 2.0), "-c:v", "libx264")
    data = source.read_bytes()
    told = data.index(b"\x44\x89\x88") + 3  # Matroska's Duration: a double, in milliseconds
    source.write_bytes(data[:told] + struct.pack(">d", 5 * 3600e3) + data[told + 8 :])
    made = await bench.make(source, {**SMALL, "crf": 30}, "storyboard")
    blocks = bench.path(made["storyboard.vtt"]).read_text().strip().split("\n\n")[1:]
    assert len(blocks) == 2
    with Image.open(bench.work.locate(made["storyboard.vtt"].members[0].path)) as sheet:
        assert sheet.size == (320, 96)
