"""What is made of a film's pictures: encoding, operations on pictures, names."""

from typing import Any

import pytest

from services.process.image.engine import Reading, Target, Wish
from services.process.operations import validate
from services.process.plan import plan
from services.process.video.film import Film, Series, Still
from services.process.video.operations import FILMS
from shared.errors import InvalidJob
from shared.jobs import Operation

FILM = Film("/f", "mov", 6.0, 6.0, 1280, 720, 0, "h264", audio_stream=1)


def snap(operation: Any) -> Any:
    (recipe,) = plan((Operation.model_validate(operation),), FILMS)
    (one,) = recipe.snaps(FILM)
    return one


def wishes(operation: Any) -> list[Wish]:
    still = snap(operation)
    assert isinstance(still, Still)
    return [wish for recipe in still.recipes for wish in recipe.wishes()]


def test_a_poster_is_one_webp_by_default() -> None:
    assert wishes("poster") == [Target("poster", "webp", quality=80, width=1280)]


def test_thumbnails_are_five_webps_by_default() -> None:
    series = snap("thumbnails")
    assert isinstance(series, Series)
    assert series.times == pytest.approx((0.6, 1.8, 3.0, 4.2, 5.4))
    made = [wish for recipes in series.recipes for one in recipes for wish in one.wishes()]
    assert made == [Target(f"thumbnails-{n}", quality=80, width=320) for n in range(1, 6)]


def test_a_poster_comes_in_every_format_asked_for() -> None:
    still = snap({"op": "poster", "at": 2.5, "formats": ["webp", "jpg"], "width": 640})
    assert still.at == 2.5
    assert still.files == ("poster.webp", "poster.jpg")


@pytest.mark.parametrize("op", ["poster", {"op": "thumbnails", "count": 1}])
def test_a_picture_is_encoded_as_photos_are(op: Any) -> None:
    operation = Operation.model_validate(op).model_dump()
    coding = {"quality": {"webp": 60, "jpg": "auto"}, "target": 90, "effort": "best"}
    shown = snap({**operation, "name": "a", "formats": ["webp", "avif", "jpg"], **coding})
    recipes = shown.recipes if isinstance(shown, Still) else shown.recipes[0]
    made = [wish for recipe in recipes for wish in recipe.wishes()]
    targets = [wish for wish in made if isinstance(wish, Target)]
    assert [(t.format, t.quality, t.least_score, t.effort) for t in targets] == [
        ("webp", 60, None, "best"),
        ("avif", 80, None, "best"),
        ("jpeg", 80, 90, "best"),
    ]


def test_operations_on_pictures_stand_instead_of_the_picture() -> None:
    operations = ["web", {"op": "thumbnail", "name": "small", "width": 200}, "blurhash"]
    made = wishes({"op": "poster", "operations": operations})
    assert [wish.file for wish in made] == [
        *("poster-w640.webp", "poster-w640.avif"),
        *("poster-w1024.webp", "poster-w1024.avif"),
        *("poster-w1920.webp", "poster-w1920.avif"),
        *("poster-thumbnail.webp", "poster-small.webp", "poster-blurhash.json"),
    ]
    assert (made[-2].width, made[-2].height) == (200, 150)
    assert isinstance(made[-1], Reading)


def test_a_preset_alone_needs_no_list() -> None:
    still = snap({"op": "poster", "name": "cover", "operations": "avatar"})
    assert still.files[:2] == ("cover-avatar64.webp", "cover-avatar64.jpg")


def test_each_of_several_pictures_has_all_operations() -> None:
    series = snap({"op": "thumbnails", "count": 2, "operations": ["blur", "srcset"]})
    assert series.files == (
        *("thumbnails-1-blur.webp", "thumbnails-1-srcset.json"),
        *("thumbnails-2-blur.webp", "thumbnails-2-srcset.json"),
    )


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"at": -1}, "at: "),
        ({"at": "NaN"}, "at: "),
        ({"formats": ["gif"]}, "formats: "),
        ({"quality": {"avif": 50}}, "quality: 'avif' is not among the formats"),
        ({"quality": {"webp": 0}}, "quality.webp: "),
        ({"quality": "best"}, "quality: "),
        ({"effort": 10}, "effort"),
        ({"target": 20}, "target: "),
        ({"background": "#ffffff"}, "no parameter 'background'; there are at, effort, formats, "),
        ({"operations": []}, "operations: "),
        ({"operations": 3}, "operations: a list of operations and presets of photos"),
        ({"operations": [3]}, "operations.0: "),
        ({"operations": ["blur", "nosuch"]}, "operations.1: no operation 'nosuch' for a photo; "),
        ({"operations": ["poster"]}, "operations.0: no operation 'poster' for a photo; "),
        ({"operations": [{"op": "blur", "width": 0}]}, "operations.0 (blur): width: "),
        ({"operations": [{"op": "web", "x": 1}]}, "operations.0: the preset 'web' takes no "),
        ({"operations": ["web", {"op": "crop", "name": "w640", "width": 9, "height": 9}]},
         "operations: the name 'w640' stands for two outputs"),
        ({"operations": ["blur"], "width": 320}, "width: has no meaning beside operations; "),
        ({"operations": ["blur"], "effort": "best"}, "effort: has no meaning beside operations; "),
        ({"operations": [{"op": "blur", "name": "b" * 60}]},
         f"operations: the name 'poster-{'b' * 60}' has 67 characters; 64 are possible"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_field(parameters: Any, sentence: str) -> None:
    with pytest.raises(InvalidJob) as refusal:
        validate((Operation.model_validate({"op": "poster", **parameters}),))
    assert str(refusal.value).removeprefix("operations.0 (poster): ").startswith(sentence)
    assert str(refusal.value).startswith("operations.0 (poster): ")


def test_the_last_picture_of_many_has_the_longest_name() -> None:
    operation = {"op": "thumbnails", "operations": [{"op": "blur", "name": "b" * 51}]}
    assert snap({**operation, "count": 9}).files[-1] == f"thumbnails-9-{'b' * 51}.webp"
    with pytest.raises(InvalidJob, match=r"'thumbnails-10-b*' has 65 characters"):
        snap({**operation, "count": 10})
