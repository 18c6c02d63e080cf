"""Films of a picture or two, and such as do not tell how long they are."""

from dataclasses import replace
from typing import Any

import av
import pytest

from services.process.settings import ProcessSettings
from services.process.video.operations.preview import Moment
from services.process.video.passages import Passages
from services.process.video.settings import FilmSettings
from services.process.video.tools import Tools
from tests.films import TONE, Bench, FilmMaker, ffmpeg, pattern

ENCODED = ("-c:v", "libx264")


@pytest.mark.parametrize("kind", ["mp4", "webp", "gif"])
async def test_a_film_of_one_picture_has_a_preview(
    bench: Bench, film: FilmMaker, kind: str
) -> None:
    source = film("one.mp4", *pattern("160x96", 0.04), *ENCODED)
    made = await bench.make(source, {"op": "preview", "format": kind})
    output = made[f"preview.{kind}"]
    with av.open(str(bench.path(output))) as media:
        assert sum(1 for _ in media.decode(video=0)) == 1


async def test_a_capped_frame_rate_leaves_a_picture(bench: Bench, film: FilmMaker) -> None:
    source = film("short.mp4", *pattern("160x96", 0.3), *TONE, *ENCODED)
    made = await bench.make(source, {"op": "renditions", "maxFps": 1})
    with av.open(str(bench.path(made["96p.mp4"]))) as media:
        assert sum(1 for _ in media.decode(video=0)) == 1


async def test_a_film_that_is_said_to_have_no_length_has_a_preview(
    bench: Bench, film: FilmMaker
) -> None:
    source = film("second.mp4", *pattern("160x96"), *ENCODED)
    pictures: Any = bench.stage.media["image"]
    tools = Tools(ffmpeg(), bench.stage.pool, pictures, FilmSettings(), ProcessSettings().bounds)
    told = await tools.probe(source, bench.work)
    endless = replace(told, duration_seconds=0.0, picture_seconds=0.0)
    products = Moment(name="preview", seconds=0.5).products(endless)
    (made,) = (await Passages(tools, endless, bench.work, 0, 100).make(products)).values()
    assert made[0].duration_seconds == pytest.approx(0.5, abs=0.1)
    assert bench.told[-1] == 100
