"""What is done to a picture that has its scale: to the pixel, on each engine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.process.image.engine import Engine, Format, Target
from services.process.image.look import Watermark
from tests.unit.services.process.image.deep import RGBA, deep_png

MARK = Watermark("logo", "top-left", opacity=1.0)
SQUARE: dict[str, Any] = {"width": 20, "height": 20, "fit": "cover", "focus": "attention"}
FILLED_UP: dict[str, Any] = {"width": 40, "height": 40, "fit": "contain"}
NOISE = np.random.default_rng(7).integers(0, 256, (30, 40, 4), dtype=np.uint8)


def made(engine: Engine, shown: NDArray[np.uint8], target: Target, directory: Path) -> Any:
    """The output of a picture with these pixels."""
    Image.fromarray(shown).save(directory / "source.png")
    return made_of(engine, directory / "source.png", target, directory)


def made_of(engine: Engine, source: Path, target: Target, directory: Path) -> Any:
    engine.render(source, [target], directory)
    with Image.open(directory / target.file) as image:
        return np.asarray(image)


def test_picture_to_which_nothing_is_done_keeps_every_pixel(engine: Engine, tmp_path: Path) -> None:
    """The colours of what is transparent too."""
    assert (made(engine, NOISE, Target("a", "png"), tmp_path) == NOISE).all()


@pytest.mark.parametrize("blur", [0.0, 2.0])
def test_what_is_white_stays_so_however_transparent(
    engine: Engine, blur: float, tmp_path: Path
) -> None:
    white = NOISE.copy()
    white[..., :3] = 255
    shown = made(engine, white, Target("a", "png", width=20, blur=blur), tmp_path)
    assert (shown[shown[..., 3] > 0][:, :3] == 255).all()


@pytest.mark.parametrize("radius", [1.0, 2.0, 8.0])
def test_radius_is_the_standard_deviation(engine: Engine, radius: float, tmp_path: Path) -> None:
    """An edge is blurred to the Gaussian's integral, so that its steps are the Gaussian."""
    edge = np.zeros((8, 200, 3), np.uint8)
    edge[:, 100:] = 255
    row = made(engine, edge, Target("a", "png", blur=radius), tmp_path)[4, :, 0]
    steps = np.diff(row.astype(float)) / 255
    deviation = np.sqrt(steps @ (np.arange(steps.size) - 99) ** 2)
    assert deviation == pytest.approx(radius, rel=0.05)


def test_contain_puts_the_odd_pixel_right_and_below(engine: Engine, tmp_path: Path) -> None:
    high = made(engine, NOISE, Target("a", "png", width=40, height=41, fit="contain"), tmp_path)
    wide = made(engine, NOISE, Target("b", "png", width=51, height=30, fit="contain"), tmp_path)
    assert np.array_equal(high[5:35], NOISE)
    assert np.array_equal(wide[:, 5:45], NOISE)


def test_watermark_keeps_its_shape(engine: Engine, marks: Path, tmp_path: Path) -> None:
    banner = NOISE[:10, :40, :3]
    Image.fromarray(banner).save(marks / "banner.png")
    mark = Watermark("banner", "top-left", scale=0.5, opacity=1.0, margin=0.0)
    shown = made(
        engine, np.full((60, 80, 3), 9, np.uint8), Target("a", "png", watermark=mark), tmp_path
    )
    assert np.abs(shown[:10, :40].astype(int) - banner).max() <= 1


def test_transparent_picture_of_16_bits_is_shrunk(engine: Engine, tmp_path: Path) -> None:
    glass = np.full((30, 40, 4), (200, 30, 10, 128), np.uint8)
    source = deep_png(tmp_path / "deep.png", glass.astype(np.uint16) * 257, RGBA)
    shown = made_of(engine, source, Target("a", "png", width=20), tmp_path)
    assert np.abs(shown.astype(int) - glass[:15, :20]).max() <= 1


@pytest.mark.parametrize("kind", ["webp", "avif", "png"])
def test_transparent_picture_is_blurred_in_every_format(
    engine: Engine, kind: Format, tmp_path: Path
) -> None:
    glass = np.full((30, 40, 4), (200, 30, 10, 128), np.uint8)
    shown = made(engine, glass, Target("a", kind, blur=2.0), tmp_path)
    assert np.abs(shown.astype(int) - glass).max() <= 6


@pytest.mark.parametrize("lies", [False, True])
def test_attention_in_a_picture_that_its_format_makes_shorter(
    engine: Engine, lies: bool, tmp_path: Path
) -> None:
    """WebP has at most 16383 pixels a side: then the box can be larger than the picture."""
    shown = np.full((20000, 10, 3), 200, np.uint8)
    width, height = (100, 10) if lies else (10, 100)
    target = Target("a", "webp", width=width, height=height, fit="cover", focus="attention")
    shortened = made(engine, shown.swapaxes(0, 1) if lies else shown, target, tmp_path)
    assert shortened.shape[:2] == ((8, 100) if lies else (100, 8))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (SQUARE, {"blur": 2.0}),
        ({"blur": 2.0}, FILLED_UP),
        ({"blur": 2.0}, {"watermark": MARK}),
        (FILLED_UP, {"watermark": MARK}),
    ],
    ids=["cut, blur", "blur, fill up", "blur, mark", "fill up, mark"],
)
def test_at_once_is_as_one_by_one_in_this_order(
    engine: Engine, first: dict[str, Any], then: dict[str, Any], tmp_path: Path
) -> None:
    opaque = NOISE[..., :3]
    halfway = made(engine, opaque, Target("a", "png", **first), tmp_path)
    wanted = made(engine, halfway, Target("b", "png", **then), tmp_path)
    shown = made(engine, opaque, Target("c", "png", **first, **then), tmp_path)
    assert np.array_equal(shown, wanted)
