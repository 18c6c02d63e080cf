"""The restatement gives Pillow's own pixels: not one differs."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from services.process.image.gpu.exact import (
    Box,
    Filter,
    blurred,
    premultiplied,
    resized,
    unpremultiplied,
)

FILTERS: tuple[Filter, ...] = ("box", "bilinear", "hamming", "bicubic", "lanczos")
MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
SIZES: tuple[tuple[tuple[int, int], Box | None], ...] = (
    ((20, 17), None),
    ((200, 130), None),
    ((83, 30), None),
    ((37, 61), None),
    ((1, 1), None),
    ((83, 61), None),
    ((83, 61), (0.0, 0.0, 83.0, 61.0)),
    ((40, 40), (3.25, 1.5, 70.5, 60.0)),
    ((40, 40), (0.1, 1 / 3, 70.7, 59.9)),
    ((83, 17), None),
    ((70, 34), None),
    ((70, 35), None),
)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def noise(mode: str) -> tuple[Image.Image, NDArray[np.uint8]]:
    """The hardest picture there is, with every alpha."""
    pixels = np.random.default_rng(1).integers(0, 256, (61, 83, MODES[mode]), dtype=np.uint8)
    pixels[:9] = 255
    pixels[9:20] = 0
    return Image.frombytes(mode, (83, 61), pixels.tobytes()), pixels


def as_array(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image).reshape(image.height, image.width, -1)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(("size", "box"), SIZES)
def test_resizes_as_pillow(mode: str, name: Filter, size: tuple[int, int], box: Box | None) -> None:
    image, pixels = noise(mode)
    expected = image.resize(size, Image.Resampling[name.upper()], box=box)
    np.testing.assert_array_equal(resized(pixels, size, name, box), as_array(expected))


@pytest.mark.parametrize("sigma", [0.3, 0.8, 1, 1.7, 2, 3.7, 8, 20, 50])
def test_blurs_as_pillow(mode: str, sigma: float) -> None:
    image, pixels = noise(mode)
    expected = image.filter(ImageFilter.GaussianBlur(sigma))
    np.testing.assert_array_equal(blurred(pixels, sigma), as_array(expected))


def test_premultiplies_as_pillow() -> None:
    alpha, colour = np.meshgrid(np.arange(256), np.arange(256))
    pixels = np.stack([colour, colour[::-1], 255 - colour, alpha], axis=2).astype(np.uint8)
    image = Image.fromarray(pixels, "RGBA").convert("RGBa")
    weighted = premultiplied(pixels)
    np.testing.assert_array_equal(weighted.reshape(-1), np.frombuffer(image.tobytes(), np.uint8))
    back = image.convert("RGBA")
    np.testing.assert_array_equal(unpremultiplied(weighted), as_array(back))
