"""Posters, made by the real ffmpeg."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from services.process.pools import Pool
from tests.films import BUNNY, Bench, FilmMaker, pattern
from tests.integration.films.looks import brightness, colour_of, opened


async def test_a_poster_is_not_black(bench: Bench, film: FilmMaker) -> None:
    dark = "color=black:size=320x240:rate=25:duration=3,format=yuv420p[d]"
    light = "testsrc2=size=320x240:rate=25:duration=1,format=yuv420p[l]"
    graph = f"{dark};{light};[d][l]concat=n=2"
    # one key frame, at the start: those alone would show black
    source = film(
        "dark.mp4", "-filter_complex", graph, "-c:v", "libx264", "-x264-params", "scenecut=0"
    )
    outputs = await bench.make(source, "poster")
    assert brightness(bench.path(outputs["poster.webp"])) > 60


async def test_a_black_film_has_a_black_poster(bench: Bench, film: FilmMaker) -> None:
    source = film("black.mp4", "-f", "lavfi", "-i", "color=black:size=320x240:duration=1")
    outputs = await bench.make(source, "poster")
    assert brightness(bench.path(outputs["poster.webp"])) < 10


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


@pytest.mark.parametrize(("at", "colour"), [("0%", "red"), ("30%", "lime"), ("100%", "white")])
async def test_a_poster_is_taken_at_a_share(
    bench: Bench, colours: Path, at: str, colour: str
) -> None:
    made = await bench.make(colours, {"op": "poster", "at": at})
    assert colour_of(opened(bench, made["poster.webp"])) == colour


async def test_a_poster_before_the_second_key_frame_of_a_transport_stream(
    bench: Bench, film: FilmMaker
) -> None:
    """The first key frame is decoded before the film begins, and a search has to go that far."""
    brighter = "color=black:size=64x64:rate=12.5:duration=6,geq=lum=40+30*T:cb=128:cr=128"
    x264 = ("-c:v", "libx264", "-bf", "3", "-g", "60", "-x264-params", "scenecut=0:open-gop=1")
    source = film("open.ts", "-f", "lavfi", "-i", brighter, *x264)
    made = await bench.make(source, {"op": "poster", "at": 3.928, "formats": ["png"]})
    # Grey is of the full range, the film's light of 219 steps from 16 on.
    light = (40 + 30 * 3.92 - 16) * 255 / 219
    assert brightness(bench.path(made["poster.png"])) == pytest.approx(light, abs=3)


async def test_for_a_poster_nobody_looks_how_long_its_picture_is_shown(
    bench: Bench, film: FilmMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is looked for where a part begins, and reads the film once more."""
    asked = []
    call = Pool.call

    async def told(pool: Pool, function: Callable[..., Any], *rest: Any, **more: Any) -> Any:
        asked.append(function.__name__)
        return await call(pool, function, *rest, **more)

    monkeypatch.setattr(Pool, "call", told)
    await bench.make(film("film.ts", *pattern("160x96", 4.0)), {"op": "poster", "at": 3.0})
    assert "lead" in asked
    assert "approach" not in asked
