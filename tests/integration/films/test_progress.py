"""What films tell of how far they are, all the way."""

from itertools import pairwise
from typing import Any

import pytest

from tests.films import BUNNY, TONE, Bench, FilmMaker, pattern

SLOW = {"op": "renditions", "heights": [360], "preset": "slow"}
HLS = {"op": "hls", "heights": [360], "preset": "slow"}
CAPTIONS = "1\n00:00:08,000 --> 00:00:09,000\nLate.\n"


@pytest.mark.parametrize(
    "operations", [(SLOW, "storyboard"), ("storyboard", HLS)], ids=["renditions", "hls"]
)
async def test_a_storyboard_beside_a_film_does_not_hide_how_far_it_is(
    bench: Bench, film: FilmMaker, operations: tuple[Any, ...]
) -> None:
    """It has one picture, at the end; newer ffmpeg tells nothing before all outputs began."""
    source = film("long.mp4", "-stream_loop", "5", "-i", str(BUNNY), "-c", "copy")
    await bench.make(source, *operations)
    _check_even(bench.told)


async def test_late_captions_do_not_hide_how_far_it_is(
    bench: Bench, film: FilmMaker, tmp_path: pytest.TempPathFactory
) -> None:
    captions = film("late.srt", *pattern("16x16"), "-f", "rawvideo").with_name("late-captions.srt")
    captions.write_text(CAPTIONS)
    source = film(
        "late.mkv",
        *(*pattern("640x360", 10.0), *TONE, "-i", str(captions)),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", "-c:s", "srt"),
    )
    await bench.make(source, {"op": "hls", "heights": [360], "preset": "veryslow"})
    _check_even(bench.told)


async def test_many_pictures_tell_how_many_are_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.process.video.stills.counted._LOOK_SECONDS", 0.02)
    await bench.make(BUNNY, {"op": "thumbnails", "count": 50, "width": 1280})
    _check_even(bench.told)


def _check_even(told: list[float]) -> None:
    assert told == sorted(told)
    assert told[-1] == 100
    steps = [later - earlier for earlier, later in pairwise([0.0, *told])]
    assert len(set(told)) > 3
    assert max(steps) < 60
