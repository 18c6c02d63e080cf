"""Outputs of one job that would have the same name."""

from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidJob
from tests.films import Bench
from tests.integration.films.looks import SMALL


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ({"op": "trim", "name": "96p"}, "'renditions' and '96p' both make '96p.mp4'"),
        ({"op": "preview", "name": "a-96p"}, "'a' and 'a-96p' both make 'a-96p.mp4'"),
        ({"op": "poster", "name": "b-2"}, "'b' and 'b-2' both make 'b-2.webp'"),
        ({"op": "storyboard", "name": "c-1"}, "'c' and 'c-1' both make 'c-1.vtt'"),
        ({"op": "storyboard", "name": "b-1"}, "'b' and 'b-1' both make 'b-1.webp'"),
        ({"op": "poster", "name": "d-blur"}, "'d' and 'd-blur' both make 'd-blur.webp'"),
        ({"op": "probe", "name": "d-srcset"}, "'d' and 'd-srcset' both make 'd-srcset.json'"),
    ],
)
async def test_names_that_collide_are_told_before_anything_is_made(
    bench: Bench, captioned: Path, operation: Any, sentence: str
) -> None:
    series = {"op": "thumbnails", "name": "b", "count": 2}
    poster = {"op": "poster", "name": "d", "operations": ["blur", "srcset"]}
    beside = [SMALL, {**SMALL, "name": "a"}, series, {"op": "captions", "name": "c"}, poster]
    with pytest.raises(
        InvalidJob, match=f"^operations: {sentence}; give one of them another name$"
    ):
        await bench.make(captioned, *beside, operation)
    assert not [*bench.work.directory.iterdir()]
    assert bench.told == []
