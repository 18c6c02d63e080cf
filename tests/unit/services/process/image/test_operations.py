"""Parameters of the operations on photos, and the files that they ask for."""

from typing import Any

import pytest

from services.process.image.look import Cut, Watermark
from services.process.image.operations import PHOTOS
from services.process.plan import plan
from services.process.video.operations import FILMS
from shared.errors import InvalidJob
from shared.jobs import Operation


def targets(**operation: Any) -> list[Any]:
    recipes = plan((Operation.model_validate(operation),), PHOTOS)
    return [target for recipe in recipes for target in recipe.wishes()]


def test_web_makes_three_widths_in_two_formats_and_a_thumbnail() -> None:
    assert [(t.file, t.width, t.quality) for t in targets(op="web")] == [
        ("w640.webp", 640, 80),
        ("w640.avif", 640, 80),
        ("w1024.webp", 1024, 85),
        ("w1024.avif", 1024, 85),
        ("w1920.webp", 1920, 90),
        ("w1920.avif", 1920, 90),
        ("thumbnail.webp", 150, 70),
    ]


def test_thumbnail_is_a_square_that_the_photo_fills() -> None:
    (target,) = targets(op="thumbnail")
    assert (target.width, target.height, target.fit, target.file) == (
        150,
        150,
        "cover",
        "thumbnail.webp",
    )


@pytest.mark.parametrize("focus", ["centre", "attention", (0.25, 1.0)])
def test_a_cover_keeps_what_is_named(focus: Any) -> None:
    assert targets(op="thumbnail", focus=focus)[0].focus == focus


def test_a_background_is_three_channels() -> None:
    assert targets(op="convert", background="#0a14FF")[0].background == (10, 20, 255)
    assert targets(op="convert")[0].background is None


def test_a_crop_begins_at_the_top_left_unless_it_is_told() -> None:
    assert targets(op="crop", width=5, height=6)[0].cut == Cut(0, 0, 5, 6)
    assert targets(op="crop", left=100, width=5, height=6)[0].cut == Cut(100, 0, 5, 6)
    part = targets(op="crop", left=1, top=99.5, width=3, height=4, unit="percent")[0].cut
    assert part == Cut(1, 99.5, 3, 4, percent=True)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"width": 5}, "height: Field required"),
        ({"width": 0, "height": 5}, "width: Input should be greater than 0"),
        ({"width": 5, "height": 65536}, "height: Input should be less than or equal to 65535"),
        ({"width": 5, "height": 5, "left": -1}, "left: Input should be greater than or equal to 0"),
        ({"width": 5, "height": 5, "top": 65536}, "top: Input should be less than or equal"),
        ({"width": float("inf"), "height": 5}, "width: Input should be"),
        ({"width": float("nan"), "height": 5}, "width: Input should be"),
        ({"width": 5, "height": 5, "left": float("nan")}, "left: Input should be"),
        ({"width": 5, "height": 5, "left": float("inf")}, "left: Input should be"),
        ({"width": 5, "height": 5, "left": 100, "unit": "percent"}, "left, top: below 100 percent"),
        ({"width": 5, "height": 5, "top": 100, "unit": "percent"}, "left, top: below 100 percent"),
    ],
)
def test_a_crop_that_cannot_be_is_refused_by_name(
    parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidJob) as refusal:
        targets(op="crop", **parameters)
    assert str(refusal.value).startswith(f"operations.0 (crop): {sentence}")


def test_a_watermark_is_laid_over_the_box() -> None:
    (plain,) = targets(op="watermark", image="logo", width=90)
    assert (plain.width, plain.watermark) == (90, Watermark("logo"))
    asked = {"position": "top", "scale": 0.5, "opacity": 1, "margin": 0}
    (target,) = targets(op="watermark", image="logo", **asked)
    assert target.watermark == Watermark("logo", "top", 0.5, 1, 0)


@pytest.mark.parametrize(
    "parameters", [{"scale": 0}, {"scale": 1.1}, {"opacity": 0}, {"opacity": 1.1}, {"margin": 1.1}]
)
def test_a_watermark_that_cannot_be_is_refused_by_name(parameters: dict[str, float]) -> None:
    with pytest.raises(
        InvalidJob, match=rf"^operations\.0 \(watermark\): {next(iter(parameters))}"
    ):
        targets(op="watermark", image="logo", **parameters)


def test_effort_frames_and_metadata_are_as_they_are_asked_for() -> None:
    (usual,) = targets(op="convert")
    assert (usual.effort, usual.animated, usual.metadata) == ("balanced", True, "none")
    (asked,) = targets(op="convert", effort=3, animation="first", metadata="all")
    assert (asked.effort, asked.animated, asked.metadata) == (3, False, "all")
    (moving,) = targets(op="thumbnail", animation="keep")
    assert moving.animated


def test_blur_takes_a_radius() -> None:
    assert targets(op="blur", radius=3)[0].blur == 3
    assert targets(op="blur")[0].blur > 0


@pytest.mark.parametrize("radius", [0, 200.5])
def test_blur_that_cannot_be_is_refused_by_name(radius: float) -> None:
    with pytest.raises(InvalidJob, match=r"\(blur\): radius: Input should be"):
        targets(op="blur", radius=radius)


@pytest.mark.parametrize("quality", [0, 101, "auto"])
def test_where_no_quality_is_searched_it_is_a_number(quality: Any) -> None:
    with pytest.raises(InvalidJob, match=r"\(storyboard\): quality: Input should be"):
        plan((Operation.model_validate({"op": "storyboard", "quality": quality}),), FILMS)


def test_formats_may_be_one_name_and_jpg_means_jpeg() -> None:
    (target,) = targets(op="resize", width=10, formats="jpg")
    assert (target.file, target.media_type) == ("resize.jpg", "image/jpeg")


def test_each_format_may_have_a_quality_of_its_own() -> None:
    made = targets(
        op="thumbnail",
        formats=["webp", "avif", "jpg", "png"],
        quality={"avif": 60, "jpg": "auto", "png": 9},
        target=80,
    )
    assert {t.format: (t.quality, t.least_score) for t in made} == {
        "webp": (70, None),
        "avif": (60, None),
        "jpeg": (70, 80),
        "png": (9, None),
    }


def test_the_same_operation_twice_counts_once_with_qualities_of_formats_too() -> None:
    blur = Operation.model_validate({"op": "blur", "quality": {"webp": 5}})
    assert len(plan((blur, blur), PHOTOS)) == 1


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({}, "width: give a width, a height, or both"),
        ({"width": 0}, "width: Input should be greater than or equal to 1"),
        ({"height": -5}, "height: Input should be greater than or equal to 1"),
        ({"width": 16384}, "width: webp pictures have at most 16383 pixels a side"),
        ({"height": 16384}, "height: webp pictures have at most 16383 pixels a side"),
        ({"height": 65501, "formats": ["png"]}, "height: Input should be less than"),
        ({"width": "wide"}, "width: Input should be a valid integer"),
        ({"width": 5, "quality": 0}, "quality: 1 to 100, auto, or one"),
        ({"width": 5, "quality": 101}, "quality: 1 to 100, auto, or one"),
        (
            {"width": 5, "quality": {"webp": 0}},
            "quality.webp: Input should be greater than or equal",
        ),
        ({"width": 5, "quality": {"webp": [1]}}, "quality.webp: Input should be a valid integer"),
        (
            {"width": 5, "quality": {"gif": 5}},
            "quality: no format 'gif'; there are webp, avif, jpeg",
        ),
        ({"width": 5, "quality": {"avif": 5}}, "quality: 'avif' is not among the formats"),
        ({"width": 5, "quality": [5]}, "quality: 1 to 100, auto, or one"),
        ({"width": 5, "target": 29}, "target: Input should be greater"),
        ({"width": 5, "target": 96}, "target: Input should be less"),
        ({"width": 5, "effort": 10}, "effort"),
        ({"width": 5, "effort": -1}, "effort"),
        ({"width": 5, "formats": []}, "formats: "),
        ({"width": 5, "formats": 3}, "formats: one or more of webp, avif"),
        ({"width": 5, "background": "white"}, "background: String should match pattern"),
        ({"width": 5, "formats": ["gif"]}, "formats: one or more of webp, avif"),
        ({"width": 5, "fit": "cover"}, "height: the fit 'cover' needs width and height"),
        ({"height": 5, "fit": "cover"}, "width: the fit 'cover' needs width and height"),
        ({"width": 5, "fit": "stretch"}, "fit: "),
        (
            {"width": 5, "height": 5, "focus": "attention"},
            "focus: only the fit 'cover' has one, not 'inside'",
        ),
        ({"width": 5, "height": 5, "fit": "cover", "focus": [0.5, 1.5]}, "focus"),
        ({"width": 5, "height": 5, "fit": "cover", "focus": [-0.5, 0.5]}, "focus"),
    ],
)
def test_what_cannot_be_is_refused_by_name(parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidJob) as refusal:
        targets(op="resize", **parameters)
    assert str(refusal.value).startswith(f"operations.0 (resize): {sentence}")


def test_sizes_beyond_webp_are_fine_in_formats_that_have_them() -> None:
    assert targets(op="resize", width=20000, formats=["avif", "png"])[0].width == 20000
