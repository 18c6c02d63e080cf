"""Series of pictures, made by the real ffmpeg."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from services.process.image.pictures import Pictures
from shared.jobs import Output
from shared.workspace import Attempt
from tests.films import Bench, FilmMaker, pattern
from tests.integration.films.looks import COLOURS, colour_of, opened


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
    apply = Pictures.apply

    async def told(
        pictures: Pictures, source: Path, recipes: Sequence[Any], work: Attempt
    ) -> tuple[Output, ...]:
        with Image.open(source) as picture:
            handed.append(picture.size)
        return await apply(pictures, source, recipes, work)

    monkeypatch.setattr(Pictures, "apply", told)
    series = {"op": "thumbnails", "count": 2, "width": 80, "formats": ["png", "webp"]}
    poster, large = {"op": "poster", "width": 100}, {"op": "poster", "name": "large"}
    square = {"op": "thumbnail", "width": 40, "height": 40}
    several = {"op": "poster", "name": "several", "operations": [square, "low-quality"]}
    whole = {"op": "poster", "name": "whole", "operations": [square, "metadata"]}
    made = await bench.make(colours, series, poster, large, several, whole)
    assert handed == [(80, 48), (80, 48), (100, 60), (160, 96), (67, 40), (160, 96)]
    assert (made["thumbnails-2.png"].width, made["poster.webp"].width) == (80, 100)


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
