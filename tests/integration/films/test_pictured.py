"""What the picture engine makes of a real film's pictures."""

import io
from typing import Any

import pytest
from PIL import ImageChops, ImageStat

from shared.errors import UnsupportedMedia
from tests.films import BUNNY, Bench
from tests.integration.films.looks import check_file, opened


async def test_a_poster_comes_in_a_preset_and_is_told_of(bench: Bench) -> None:
    readings = ["blurhash", "thumbhash", "palette", "metadata"]
    made = await bench.make(BUNNY, {"op": "poster", "operations": ["responsive", *readings]})
    widths = {400: 400, 800: 800, 1200: 1200, 1600: 1280}
    for name, width in widths.items():
        for ext in ("avif", "webp", "jpg"):
            output = made.pop(f"poster-w{name}.{ext}")
            check_file(bench, output)
            assert (
                opened(bench, output).size
                == (output.width, output.height)
                == (width, width * 9 // 16)
            )
    told = {name: output.value or {} for name, output in made.items()}
    assert sorted(told) == sorted(f"poster-{one}.json" for one in (*readings, "srcset"))
    assert len(told["poster-blurhash.json"]["blurHash"]) == 28
    assert told["poster-thumbhash.json"]["thumbHash"]
    assert len(told["poster-palette.json"]["colours"]) == 5
    assert (told["poster-metadata.json"]["width"], told["poster-metadata.json"]["height"]) == (
        1280,
        720,
    )
    assert [one["type"] for one in told["poster-srcset.json"]["sources"]] == [
        "image/avif",
        "image/webp",
        "image/jpeg",
    ]
    assert "{url:poster-w400.avif} 400w, " in told["poster-srcset.json"]["sources"][0]["srcset"]
    # What it says follows from the place that things are stored at, and so from no recipe.
    assert {name for name, o in made.items() if o.recipe is None} == {"poster-srcset.json"}


async def test_a_part_is_cut_out_of_the_whole_picture(bench: Bench) -> None:
    crop = {"op": "crop", "left": 300, "top": 100, "width": 400, "height": 200, "formats": "png"}
    made = await bench.make(
        BUNNY,
        {"op": "poster", "name": "all", "at": "50%", "formats": "png"},
        {"op": "poster", "at": "50%", "operations": [crop]},
        {"op": "thumbnails", "count": 1, "operations": [crop, "blurhash"]},
    )
    expected = opened(bench, made["all.png"]).crop((300, 100, 700, 300))
    for name in ("poster-crop.png", "thumbnails-1-crop.png"):
        part = opened(bench, made[name])
        assert part.size == (400, 200)
        assert max(ImageStat.Stat(ImageChops.difference(part, expected)).mean) < 4
    assert "thumbnails-1-blurhash.json" in made


async def test_effort_and_quality_reach_the_encoder(bench: Bench) -> None:
    small: dict[str, Any] = {"op": "poster", "at": 1, "width": 320}
    made = await bench.make(
        BUNNY,
        {**small, "name": "fast", "effort": "fast"},
        {**small, "name": "best", "effort": "best"},
        {**small, "name": "each", "formats": ["webp", "jpg"], "quality": {"webp": 30}},
        {**small, "name": "even", "formats": ["webp", "jpg"], "quality": 80},
    )
    sizes = {name: output.size for name, output in made.items()}
    assert sizes["best.webp"] < sizes["fast.webp"]
    assert sizes["each.webp"] < sizes["even.webp"] / 2
    assert sizes["each.jpg"] == sizes["even.jpg"]


async def test_quality_auto_reaches_its_target(bench: Bench) -> None:
    pytest.importorskip("numpy", reason="numpy (the extra auto) is not here")
    measure = pytest.importorskip("ssimulacra2", reason="the reference is not here")
    small: dict[str, Any] = {"at": 1, "width": 320, "formats": ["avif", "png"], "quality": "auto"}
    made = await bench.make(
        BUNNY,
        {"op": "poster", "name": "good", "target": 65, **small},
        {"op": "poster", "name": "less", "target": 45, **small},
    )
    scores = {
        name: measure.compute_ssimulacra2(
            bench.path(made[f"{name}.png"]),
            io.BytesIO(bench.path(made[f"{name}.avif"]).read_bytes()),
        )
        for name in ("good", "less")
    }
    assert 64.9 <= scores["good"] < 72
    assert 44.9 <= scores["less"] < 55


async def test_a_picture_that_cannot_be_made_is_refused_as_of_photos(bench: Bench) -> None:
    outside = {"op": "crop", "left": 2000, "width": 10, "height": 10}
    with pytest.raises(UnsupportedMedia, match="has 1280×720 pixels"):
        await bench.make(BUNNY, {"op": "poster", "operations": [outside]})
    assert not [path for path in bench.work.directory.iterdir() if path.suffix != ".tmp"]
