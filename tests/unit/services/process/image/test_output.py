"""What becomes of an encoder's bytes, and of its errors."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from services.process.image.engine import WHITE, Limits, Target
from services.process.image.output import Outputs
from services.process.image.recipe import Recipes
from shared.errors import EngineUnavailable, InvalidJob

SMALL = Target("small", quality=80, max_bytes=1000)


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    source = tmp_path / "source.png"
    Image.new("RGB", (4, 3)).save(source)
    return Outputs(
        "engine 1", Recipes.of([SMALL], "engine 1", None), source, tmp_path, Limits(pixels=100)
    )


def failing(error: BaseException) -> Callable[[Target, bytes], bytes]:
    def encode(target: Target, exif: bytes) -> bytes:
        raise error

    return encode


def test_a_file_is_told_by_its_bytes(outputs: Outputs, tmp_path: Path) -> None:
    made = outputs.picture(SMALL, (4, 3), lambda target, exif: b"encoded")
    assert (tmp_path / "small.webp").read_bytes() == b"encoded"
    assert (made.width, made.height, made.size, made.engine) == (4, 3, 7, "engine 1")
    assert made.sha256 == hashlib.sha256(b"encoded").hexdigest()


def test_a_file_that_is_there_is_not_written_over(outputs: Outputs, tmp_path: Path) -> None:
    (tmp_path / "small.webp").write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        outputs.picture(SMALL, (4, 3), lambda target, exif: b"encoded")


def test_an_encoder_that_fails_is_not_the_sources_fault(outputs: Outputs) -> None:
    with pytest.raises(EngineUnavailable, match=r"^small\.webp cannot be encoded: out of order$"):
        outputs.picture(SMALL, (4, 3), failing(ValueError("out of order")))


@pytest.mark.parametrize("error", [MemoryError("full"), InvalidJob("what the job says")])
def test_what_says_more_than_a_failed_encoder_is_passed_on(
    outputs: Outputs, error: Exception
) -> None:
    with pytest.raises(type(error)) as passed:
        outputs.picture(SMALL, (4, 3), failing(error))
    assert passed.value is error


def test_quality_is_halved_until_the_file_is_small_enough(outputs: Outputs) -> None:
    tried = []

    def encode(target: Target, exif: bytes) -> bytes:
        tried.append(target.quality)
        return bytes(target.quality * 50)

    assert outputs.picture(SMALL, (4, 3), encode).size == 1000
    assert tried == [80, 40, 20]


def test_transparency_is_given_up_last(outputs: Outputs) -> None:
    tried = []

    def encode(target: Target, exif: bytes) -> bytes:
        tried.append((target.quality, target.background))
        return bytes(500 if target.background else 5000)

    assert outputs.picture(SMALL, (4, 3), encode).size == 500
    assert tried == [(80, None), (40, None), (20, None), (10, None), (1, None), (1, WHITE)]
