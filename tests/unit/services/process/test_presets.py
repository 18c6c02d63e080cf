"""Presets of the operator's own."""

from pathlib import Path

import pytest

from millrace.settings import BadSetting, read
from services.process.operations import validate
from services.process.plan import plan
from services.process.presets import Catalogues, load
from services.process.settings import ProcessSettings
from services.process.video.operations.pictured import Pictured
from shared.jobs import Operation

OWN = """
[photo]
card = ["thumbnail", { op = "resize", name = "card", width = 640, formats = ["webp", "avif"] }]
web = [{ op = "resize", name = "only", width = 100 }]

[film]
still = [{ op = "poster", at = 3 }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "presets.toml"


def test_presets_of_both_kinds_are_known_under_their_names(file: Path) -> None:
    file.write_text(OWN)
    catalogues = load(file)
    assert [r.name for r in plan((Operation(op="card"),), catalogues.photos)] == [
        "thumbnail",
        "card",
    ]
    assert [r.name for r in plan((Operation(op="still"),), catalogues.films)] == ["poster"]
    validate((Operation(op="card"), Operation(op="blur")), catalogues.all)
    assert "avatar" in catalogues.photos


def test_presets_of_pictures_are_known_where_films_have_pictures(file: Path) -> None:
    file.write_text(OWN + 'cards = [{ op = "thumbnails", count = 2, operations = ["card"] }]')
    films = load(file).films
    (poster,) = plan((Operation.model_validate({"op": "poster", "operations": ["card"]}),), films)
    (cards,) = plan((Operation(op="cards"),), films)
    assert isinstance(poster, Pictured)
    assert isinstance(cards, Pictured)
    assert [r.name for r in poster.of_picture("a")] == ["a-thumbnail", "a-card"]
    assert [r.name for r in cards.of_picture("b")] == ["b-thumbnail", "b-card"]


def test_preset_of_a_known_name_takes_its_place(file: Path) -> None:
    file.write_text(OWN)
    assert [recipe.name for recipe in plan(None, load(file).photos)] == ["only"]


def test_without_a_file_there_are_the_built_in_ones() -> None:
    assert load(None) == Catalogues()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[photo", "is no TOML: "),
        ("[photos]\na = ['blur']", "[photos]: there are [photo] and [film]"),
        ("photo = 3", "photo: must be a table of presets"),
        ("[photo]\na = 'blur'", "preset 'a' for a photo: must be a list of operations"),
        ("[photo]\na = []", "preset 'a' for a photo: must be a list of operations"),
        ("[photo]\nblur = ['blur']", "preset 'blur' for a photo: there is an operation of this"),
        ("[photo]\n'a b' = ['blur']", "preset 'a b' for a photo: String should match"),
        ("[photo]\na = [3]", "preset 'a' for a photo: "),
        ("[photo]\na = ['blur', 'web']", "preset 'a' for a photo: operations.1: 'web' is a preset"),
        ("[photo]\na = ['poster']", "preset 'a' for a photo: operations.0: no operation 'poster'"),
        ("[film]\na = ['blur']", "preset 'a' for a film: operations.0: no operation 'blur'"),
        (
            "[film]\na = [{op = 'poster', operations = ['b']}]",
            "preset 'a' for a film: operations.0 (poster): operations.0: no operation 'b' for a ",
        ),
        (
            "[photo]\na = ['blur', {op = 'resize', width = 0}]",
            "preset 'a' for a photo: operations.1 (resize): width: ",
        ),
    ],
)
def test_what_is_wrong_ends_the_start_and_is_named(text: str, sentence: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(BadSetting) as refusal:
        read(ProcessSettings, presets_file=file)
    assert str(refusal.value).startswith("PRESETS_FILE: ")
    assert sentence in str(refusal.value)


def test_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(BadSetting, match=r"PRESETS_FILE: .*presets\.toml cannot be read: No such"):
        read(ProcessSettings, presets_file=file)


def test_file_is_read_once(file: Path) -> None:
    file.write_text(OWN)
    settings = read(ProcessSettings, presets_file=file)
    file.unlink()
    assert "card" in settings.catalogues.photos
