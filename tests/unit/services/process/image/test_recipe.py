"""Outputs can be made again: the same source and the same recipe give the same bytes."""

from dataclasses import replace
from pathlib import Path
from shutil import copy
from typing import Any

import PIL
import pytest
from PIL import Image

from services.process.image import recipe
from services.process.image.encoding import effort
from services.process.image.engine import Engine, Limits, Reading, Rendered, Target, Wish
from services.process.image.look import Watermark
from services.process.image.operations import PHOTOS
from services.process.image.pillow import codecs
from services.process.image.pillow.engine import Pillow
from services.process.image.readings.palette import Palette
from services.process.image.vips.engine import Vips
from services.process.plan import plan
from shared.jobs import Operation

SMALL = Target("small", "png", width=150)


def everything() -> list[Any]:
    written = (
        "web", "avatar", "placeholder", "metadata",
        {"op": "convert", "formats": ["webp", "avif", "jpeg", "png"]},
        {"op": "watermark", "image": "logo", "width": 80},
    )  # fmt: skip
    operations = tuple(Operation.model_validate(one) for one in written)
    return [wish for recipe in plan(operations, PHOTOS) for wish in recipe.wishes()]


def test_same_source_and_recipe_give_the_same_bytes(
    engine: Engine, wide: Path, tmp_path: Path
) -> None:
    made: list[tuple[Rendered, ...]] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made.append(engine.render(wide, everything(), tmp_path / name))
    first, second = ([(r.wish.file, r.sha256, r.recipe) for r in run] for run in made)
    assert first == second
    assert len({recipe for *_, recipe in first}) == len(first)


def test_recipe_is_of_parameters_engine_and_watermark(
    wide: Path, marks: Path, tmp_path: Path
) -> None:
    target = Target("a", width=50, watermark=Watermark("logo"))
    limits = Limits(pixels=10**8, watermarks=marks)

    def recipe(engine: Engine, target: Target) -> str:
        (rendered,) = engine.render(wide, [target], tmp_path)
        (tmp_path / target.file).unlink()
        return rendered.recipe

    recipes = [recipe(Pillow(limits), target), recipe(Vips(limits), target)]
    recipes.append(recipe(Pillow(limits), Target("a", width=51, watermark=Watermark("logo"))))
    Image.new("RGB", (5, 5)).save(marks / "logo.png")
    recipes.append(recipe(Pillow(limits), target))
    assert len(set(recipes)) == 4


# ── what means something ─────────────────────────────────────────────────────────────────────

JPEG = Target("a", "jpeg", width=60)
PNG = Target("a", "png", width=60)
WEBP = Target("a", "webp", width=60)
MARKED = Target("a", "png", width=60, watermark=Watermark("logo"))


@pytest.fixture
def glass(tmp_path: Path) -> Path:
    """Noise, half transparent."""
    image = Image.effect_noise((120, 80), 90).convert("RGBA")
    image.putalpha(128)
    image.save(tmp_path / "glass.png")
    return tmp_path / "glass.png"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (WEBP, replace(WEBP, name="b")),
        (PNG, replace(PNG, quality=20)),
        (PNG, replace(PNG, least_score=70)),
        (JPEG, replace(JPEG, effort="best")),
        (JPEG, replace(JPEG, background=(255, 255, 255))),
        (JPEG, replace(JPEG, animated=True)),
        (replace(WEBP, least_score=60), replace(WEBP, least_score=60, quality=20)),
        (MARKED, replace(MARKED, watermark=Watermark("copy"))),
    ],
)
def test_what_changes_no_byte_changes_no_recipe(
    engine: Engine, one: Target, other: Target, glass: Path, marks: Path, tmp_path: Path
) -> None:
    copy(marks / "logo.png", marks / "copy.png")
    first = made(engine, glass, [one], tmp_path / "one")
    second = made(engine, glass, [other], tmp_path / "other")
    assert (first.sha256, first.recipe) == (second.sha256, second.recipe)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (WEBP, replace(WEBP, quality=20)),
        (WEBP, replace(WEBP, effort="best")),
        (WEBP, replace(WEBP, max_bytes=300)),
        (WEBP, replace(WEBP, full_colour=True)),
        (WEBP, replace(WEBP, least_score=40)),
        (replace(WEBP, least_score=40), replace(WEBP, least_score=95)),
        (WEBP, replace(WEBP, background=(255, 255, 255))),
        (WEBP, replace(WEBP, blur=2.0)),
        (JPEG, replace(JPEG, background=(9, 9, 9))),
        (PNG, replace(PNG, effort="best")),
        (PNG, replace(PNG, width=61)),
        (PNG, replace(PNG, format="webp")),
        (MARKED, replace(MARKED, watermark=Watermark("logo", "top-left"))),
        (MARKED, PNG),
    ],
)
def test_what_changes_bytes_changes_the_recipe(
    engine: Engine, one: Target, other: Target, glass: Path, tmp_path: Path
) -> None:
    first = made(engine, glass, [one], tmp_path / "one")
    assert_kept(first, made(engine, glass, [other], tmp_path / "other"))


def test_recipe_is_of_the_exif_that_is_taken_over(
    engine: Engine, wide: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    with Image.open(wide) as image:
        image.save(wide, exif=exif)
    first = made(engine, wide, [PNG], tmp_path / "one")
    assert_kept(first, made(engine, wide, [replace(PNG, metadata="exif")], tmp_path / "other"))


def test_recipe_of_a_reading_is_of_its_reader(engine: Engine, wide: Path, tmp_path: Path) -> None:
    few, many = Reading("a", Palette(2), width=60), Reading("a", Palette(9), width=60)
    first = made(engine, wide, [few], tmp_path / "one")
    assert_kept(first, made(engine, wide, [many], tmp_path / "other"))
    renamed = made(engine, wide, [replace(few, name="b")], tmp_path / "renamed")
    assert (first.sha256, first.recipe) == (renamed.sha256, renamed.recipe)


# ── beside others ────────────────────────────────────────────────────────────────────────────


def made(engine: Engine, source: Path, wishes: list[Wish], directory: Path) -> Rendered:
    """The first of `wishes`."""
    directory.mkdir()
    return engine.render(source, wishes, directory)[0]


def assert_kept(one: Rendered, other: Rendered) -> None:
    """The promise, where the two have other bytes."""
    assert one.sha256 != other.sha256
    assert one.recipe != other.recipe


def test_recipe_is_of_what_is_made_beside(engine: Engine, mountains: Path, tmp_path: Path) -> None:
    alone = made(engine, mountains, [SMALL], tmp_path / "alone")
    large = Target("large", width=1920)
    assert_kept(alone, made(engine, mountains, [SMALL, large], tmp_path / "beside"))


def test_names_formats_and_qualities_of_others_change_no_recipe(
    engine: Engine, wide: Path, tmp_path: Path
) -> None:
    first = made(engine, wide, [SMALL, Target("a", "avif", width=200)], tmp_path / "first")
    others = [
        Target("c", "png", width=200),
        Target("b", "avif", width=200, quality=30, effort="best"),
        SMALL,
    ]
    directory = tmp_path / "second"
    directory.mkdir()
    second = engine.render(wide, others, directory)[-1]
    assert (first.sha256, first.recipe == second.recipe) == (second.sha256, True)


def test_names_of_the_same_watermark_beside_change_no_recipe(
    engine: Engine, wide: Path, marks: Path, tmp_path: Path
) -> None:
    copy(marks / "logo.png", marks / "copy.png")
    marked = replace(MARKED, name="b", width=200)
    beside: list[Wish] = [SMALL, marked, replace(marked, name="c")]
    first = made(engine, wide, beside, tmp_path / "first")
    beside[-1] = replace(marked, name="c", watermark=Watermark("copy"))
    second = made(engine, wide, beside, tmp_path / "second")
    assert (first.sha256, first.recipe) == (second.sha256, second.recipe)


def test_recipe_is_of_how_large_others_can_get(tmp_path: Path) -> None:
    """WebP ends at 16383 pixels, and the decoder shrinks for it."""
    vips = Vips(Limits(pixels=10**8))
    Image.effect_noise((65_000, 8), 90).convert("RGB").save(tmp_path / "long.jpg")
    whole = [Target("whole", "webp"), Target("whole", "png")]
    small = made(vips, tmp_path / "long.jpg", [SMALL, whole[0]], tmp_path / "webp")
    assert_kept(small, made(vips, tmp_path / "long.jpg", [SMALL, whole[1]], tmp_path / "png"))


def test_recipe_is_of_whether_others_move(tmp_path: Path) -> None:
    """Frames are decoded apart from the picture that stands still."""
    pillow = Pillow(Limits(pixels=10**8))
    frames = [Image.effect_noise((600, 400), 90).convert("P") for _ in range(2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    still = made(pillow, tmp_path / "a.gif", [SMALL, Target("b", width=300)], tmp_path / "still")
    moving = Target("b", width=300, animated=True)
    assert_kept(still, made(pillow, tmp_path / "a.gif", [SMALL, moving], tmp_path / "moving"))


# ── who made it, and how ─────────────────────────────────────────────────────────────────────


def recipe_of(engine: Engine, source: Path, target: Target, directory: Path) -> str:
    (rendered,) = engine.render(source, [target], directory)
    (directory / target.file).unlink()
    return rendered.recipe


def test_recipe_is_of_the_number_that_an_effort_means(
    engine: Engine, wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word, number = Target("a", effort="balanced"), Target("a", effort=2)
    before = recipe_of(engine, wide, word, tmp_path)
    assert before == recipe_of(engine, wide, number, tmp_path)
    monkeypatch.setitem(effort._WORDS["balanced"], "webp", 3)
    assert before != recipe_of(engine, wide, word, tmp_path)


def test_recipe_is_of_its_revision(
    engine: Engine, wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = recipe_of(engine, wide, SMALL, tmp_path)
    monkeypatch.setattr(recipe, "REVISION", recipe.REVISION + 1)
    assert before != recipe_of(engine, wide, SMALL, tmp_path)


@pytest.mark.parametrize("library", [Pillow, Vips])
def test_recipe_is_of_pillow_which_writes_avif_and_scales_watermarks(
    library: type[Pillow | Vips], wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(pixels=10**6)
    before = recipe_of(library(limits), wide, SMALL, tmp_path)
    monkeypatch.setattr(PIL, "__version__", "99.0.0")
    monkeypatch.setattr(codecs, "VERSION", "pillow 99.0.0")
    assert before != recipe_of(library(limits), wide, SMALL, tmp_path)


def test_recipe_is_of_the_plugin_that_reads_heic(
    wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pillow_heif")
    before = recipe_of(Pillow(Limits(pixels=10**6)), wide, SMALL, tmp_path)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99.0.0")
    assert before != recipe_of(Pillow(Limits(pixels=10**6)), wide, SMALL, tmp_path)
