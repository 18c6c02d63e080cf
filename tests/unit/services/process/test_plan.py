"""What users write under `operations`, and what it is taken for."""

import pytest

from services.process.image.operations import PHOTOS
from services.process.plan import plan
from services.process.video.operations import FILMS
from shared.errors import InvalidJob
from shared.jobs import Operation, Request


def operations(*written: object) -> tuple[Operation, ...]:
    request = Request.model_validate({"source": "file:///a.jpg", "operations": written})
    assert request.operations is not None
    return request.operations


def test_default_preset_for_photos_is_web() -> None:
    assert [recipe.name for recipe in plan(None, PHOTOS)] == [
        "w640",
        "w1024",
        "w1920",
        "thumbnail",
    ]


def test_name_is_the_operations_unless_the_user_gives_one() -> None:
    first, second = plan(operations("blur", {"op": "blur", "name": "soft"}), PHOTOS)
    assert (first.name, second.name) == ("blur", "soft")


def test_preset_and_a_part_of_it_count_once() -> None:
    assert plan(operations("web", "thumbnail"), PHOTOS) == plan(operations("web"), PHOTOS)


def test_presets_take_what_all_operations_have() -> None:
    recipes = plan(operations({"op": "film", "salvage": True}), FILMS)
    assert {recipe.name: recipe.salvage for recipe in recipes} == {
        "renditions": True,
        "poster": True,
        "storyboard": True,
    }
    sentence = "operations.0: the preset 'film' takes no parameters but 'salvage'"
    for more in ({"width": 3}, {"name": "mine", "salvage": True}):
        with pytest.raises(InvalidJob) as refusal:
            plan(operations({"op": "film", **more}), FILMS)
        assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (["nosuch"], "operations.0: no operation 'nosuch' for a photo; there are avatar, "),
        ([{"op": "web", "width": 3}], "operations.0: the preset 'web' takes no parameters"),
        (
            ["blur", {"op": "resize", "widht": 3}],
            "operations.1 (resize): no parameter 'widht'; there are ",
        ),
        (
            [{"op": "resize", "width": 3}, {"op": "resize", "width": 4}],
            "operations: the name 'resize' stands for two outputs",
        ),
        ([{"op": "resize", "width": 0}], "operations.0 (resize): width: "),
    ],
)
def test_what_is_wrong_is_named(written: list[object], sentence: str) -> None:
    with pytest.raises(InvalidJob) as refusal:
        plan(operations(*written), PHOTOS)
    assert str(refusal.value).startswith(sentence)
