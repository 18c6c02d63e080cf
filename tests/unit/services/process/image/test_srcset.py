"""What a page's `<picture>` needs."""

from typing import Any

import pytest

from services.process.image.engine import Reading, Rendered, Target
from services.process.image.look import Cut
from services.process.image.operations import PHOTOS
from services.process.image.operations.picture import Picture
from services.process.image.readings.thumbhash import ThumbHash
from services.process.plan import plan
from shared.errors import InvalidJob
from shared.jobs import Operation


def made(name: str, kind: Any, width: int, **look: Any) -> Rendered:
    target = Target(name, kind, width=width, **look)
    return Rendered(target, width, width // 2, 1, "", "", "")


def srcset(**parameters: Any) -> Picture:
    (recipe,) = plan((Operation.model_validate({"op": "srcset", **parameters}),), PHOTOS)
    assert recipe.wishes() == ()
    return recipe


MADE = (
    made("w800", "webp", 800),
    made("w400", "avif", 400),
    made("w400", "webp", 400),
    made("w800", "avif", 800),
    made("w800", "jpeg", 800),
    made("w1600", "webp", 800),  # the photo was no wider
    made("square", "webp", 100, fit="cover"),
    made("soft", "webp", 100, blur=3),
    made("part", "webp", 100, cut=Cut(0, 0, 9, 9)),
    made("tiny", "webp", 100, max_bytes=2048),
    Rendered(Reading("thumbhash", ThumbHash()), None, None, 1, "", "", ""),
)


def test_each_format_lists_its_widths_and_the_best_comes_first() -> None:
    assert srcset(sizes="50vw").conclusion(MADE) == {
        "sources": [
            {"type": "image/avif", "srcset": "{url:w400.avif} 400w, {url:w800.avif} 800w"},
            {"type": "image/webp", "srcset": "{url:w400.webp} 400w, {url:w800.webp} 800w"},
            {"type": "image/jpeg", "srcset": "{url:w800.jpg} 800w"},
        ],
        "img": {"src": "{url:w800.jpg}", "width": 800, "height": 400},
        "sizes": "50vw",
    }


def test_sources_begin_with_the_best_and_the_image_is_what_most_browsers_show() -> None:
    preferred, safest = (
        ["avif", "jxl", "webp", "jpeg", "png"],
        ["jpeg", "png", "webp", "avif", "jxl"],
    )
    for first in range(len(safest)):
        formats = safest[first:]
        told = srcset().conclusion([made("w", kind, 9) for kind in formats])
        assert told is not None
        types = [source["type"].removeprefix("image/") for source in told["sources"]]
        assert types == [kind for kind in preferred if kind in formats]
        assert told["img"]["src"] == f"{{url:{made('w', formats[0], 9).wish.file}}}"


@pytest.mark.parametrize("parameters", [{"of": ["a"] * 65}, {"sizes": "x" * 501}, {"of": "a"}])
def test_what_cannot_be_is_refused_by_name(parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidJob, match=rf"\(srcset\): {next(iter(parameters))}: "):
        srcset(**parameters)


def test_only_what_is_named_is_listed() -> None:
    told = srcset(of=["square"]).conclusion(MADE)
    assert told is not None
    assert told["sources"] == [{"type": "image/webp", "srcset": "{url:square.webp} 100w"}]
    assert told["img"]["src"] == "{url:square.webp}"


def test_nothing_to_list_is_told() -> None:
    assert srcset().conclusion(()) == {"sources": [], "sizes": "100vw"}


def test_below_a_name_it_lists_what_is_called_so_as_well() -> None:
    assert srcset().below("poster") == srcset(name="poster-srcset")
    assert srcset(of=["a", "b"]).below("p") == srcset(name="p-srcset", of=["p-a", "p-b"])
