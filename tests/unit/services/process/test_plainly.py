"""Parameters that may be one thing or another say so in plain words."""

from typing import Any

import pytest

from services.process.image.operations import PHOTOS
from services.process.plan import Catalogue, plan
from services.process.video.operations import FILMS
from shared.errors import InvalidJob
from shared.jobs import Operation

PLACE = 'seconds from the start, such as 90, or a share of the film, such as "25%"'
HEIGHTS = "one or more even numbers of pixels, 16 to 4320, such as [720, 480]"
FORMATS = "one or more of webp, avif, jpeg, png, jxl"
FOCUS = "centre, attention, or two shares from 0 to 1, such as [0.5, 0.25]"
EFFORT = "fast, balanced, best, or a whole number from 0 to 9"
QUALITY = '1 to 100, auto, or one of them for each format, such as {"webp": 80}'
NAMES = 'a list of names of outputs, such as ["small"]'
COVER = {"op": "resize", "width": 9, "height": 9, "fit": "cover"}


def said(catalogue: Catalogue[Any], operation: Any) -> str:
    with pytest.raises(InvalidJob) as refused:
        plan((Operation.model_validate(operation),), catalogue)
    return str(refused.value)


@pytest.mark.parametrize(
    ("catalogue", "operation", "parameter", "wrong", "words"),
    [
        (FILMS, {"op": "poster"}, "at", "1:30", PLACE),
        (FILMS, {"op": "poster"}, "at", -1, PLACE),
        (FILMS, {"op": "poster"}, "at", [1], PLACE),
        (FILMS, {"op": "preview"}, "at", "200%", PLACE),
        (FILMS, {"op": "renditions"}, "heights", "720", HEIGHTS),
        (FILMS, {"op": "hls"}, "heights", None, HEIGHTS),
        (FILMS, {"op": "poster"}, "formats", "gif", FORMATS),
        (FILMS, {"op": "waveform"}, "formats", 5, FORMATS),
        (PHOTOS, {"op": "convert"}, "formats", [], FORMATS),
        (PHOTOS, {"op": "convert"}, "quality", "high", QUALITY),
        (PHOTOS, {"op": "convert"}, "quality", 101, QUALITY),
        (PHOTOS, COVER, "focus", "left", FOCUS),
        (PHOTOS, COVER, "focus", [0.5, 2], FOCUS),
        (PHOTOS, COVER, "effort", "slow", EFFORT),
        (PHOTOS, COVER, "effort", 10, EFFORT),
        (PHOTOS, {"op": "srcset"}, "of", "small", NAMES),
    ],
)
def test_what_is_allowed_is_said(
    catalogue: Catalogue[Any], operation: dict[str, Any], parameter: str, wrong: Any, words: str
) -> None:
    sentence = said(catalogue, {**operation, parameter: wrong})
    assert sentence == f"operations.0 ({operation['op']}): {parameter}: {words}"


def test_the_wrong_one_of_many_is_named() -> None:
    sentence = said(FILMS, {"op": "renditions", "heights": [720, 721]})
    assert sentence.startswith("operations.0 (renditions): heights.1: ")
    sentence = said(PHOTOS, {"op": "convert", "quality": {"webp": 0}})
    assert sentence.startswith("operations.0 (convert): quality.webp: ")
