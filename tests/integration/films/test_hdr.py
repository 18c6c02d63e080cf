"""HDR films as SDR, in sizes that 4:2:0 would not have."""

from pathlib import Path

import pytest

from tests.films import Bench, FilmMaker, pattern
from tests.integration.films.looks import brightness

_WIDE, _UPRIGHT = "320x134", "180x320"


@pytest.fixture(params=["smpte2084", "arib-std-b67"])
def transfer(request: pytest.FixtureRequest) -> str:
    told: str = request.param
    return told


def hdr(film: FilmMaker, size: str, transfer: str) -> Path:
    told = f"transfer={transfer}:colorprim=bt2020:colormatrix=bt2020nc:log-level=error"
    coded = ("-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast")
    return film(
        f"{transfer}-{size}.mp4", *pattern(size, 2, ",hue=s=0.5"), *coded, "-x265-params", told
    )


async def test_a_poster_has_an_odd_height(bench: Bench, film: FilmMaker, transfer: str) -> None:
    wanted = {"op": "poster", "width": 160, "formats": ["png"]}
    outputs = await bench.make(hdr(film, _WIDE, transfer), wanted)
    assert (outputs["poster.png"].width, outputs["poster.png"].height) == (160, 67)
    assert brightness(bench.path(outputs["poster.png"])) > 30


async def test_thumbnails_of_an_upright_film_have_odd_sides(
    bench: Bench, film: FilmMaker, transfer: str
) -> None:
    wanted = {"op": "thumbnails", "width": 51, "count": 2}
    outputs = await bench.make(hdr(film, _UPRIGHT, transfer), wanted)
    assert outputs
    assert {(o.width, o.height) for o in outputs.values()} == {(51, 91)}


async def test_a_storyboard_has_odd_heights(bench: Bench, film: FilmMaker, transfer: str) -> None:
    outputs = await bench.make(hdr(film, _WIDE, transfer), "storyboard")
    (board,) = outputs.values()
    assert board.height == 67


async def test_a_storyboard_beside_renditions_that_stay_hdr_has_odd_heights(
    bench: Bench, film: FilmMaker, transfer: str
) -> None:
    kept = {"op": "renditions", "codec": "hevc", "hdr": True, "preset": "ultrafast"}
    outputs = await bench.make(hdr(film, _WIDE, transfer), kept, "storyboard")
    assert outputs["storyboard.vtt"].height == 67
