"""Our SSIMULACRA2 against the reference port, which shares no code with it."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ssimulacra2 import compute_ssimulacra2

from services.process.image.encoding.ssimulacra2 import Original

PHOTO = Path(__file__).resolve().parents[6] / "examples" / "mountains.jpg"


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.open(PHOTO).convert("RGB").resize((331, 243))


def spoilt(photo: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


@pytest.mark.parametrize("quality", [5, 40, 90])
@pytest.mark.parametrize("size", [(331, 243), (64, 10), (129, 65)])
def test_gives_the_score_of_the_reference(
    photo: Image.Image, size: tuple[int, int], quality: int, tmp_path: Path
) -> None:
    original = photo.resize(size)
    distorted = spoilt(original, quality)
    original.save(tmp_path / "original.png")
    distorted.save(tmp_path / "distorted.png")
    expected = compute_ssimulacra2(tmp_path / "original.png", tmp_path / "distorted.png")
    found = Original(np.asarray(original)).score(np.asarray(distorted))
    assert found == pytest.approx(expected, abs=0.05)


def test_the_same_pixels_score_100(photo: Image.Image) -> None:
    pixels = np.asarray(photo)
    assert Original(pixels).score(pixels) == pytest.approx(100, abs=0.01)


def test_an_original_serves_many_comparisons(photo: Image.Image) -> None:
    original = Original(np.asarray(photo))
    scores = [original.score(np.asarray(spoilt(photo, quality))) for quality in (20, 50, 80, 95)]
    assert scores == sorted(scores)


def test_what_is_too_small_to_compare_is_no_worse(photo: Image.Image) -> None:
    dot = np.asarray(photo.resize((4, 4)))
    assert Original(dot).score(255 - dot) == 100
