"""Placeholders as short codes, against what other implementations give for the same pixels.

ThumbHash: the reference in JavaScript, npm's thumbhash 0.1.1. BlurHash: the reference in C, as
PyPI's blurhash-python 1.2.2 carries it.
"""

import base64

import pytest

from services.process.image.engine import Pixels
from services.process.image.readings.blurhash import blurhash
from services.process.image.readings.thumbhash import thumbhash


def waves(width: int, height: int, *, alpha: bool = False) -> Pixels:
    """Red from left to right, green from top to bottom, stripes of blue and perhaps of alpha."""
    rgba = bytes(
        value
        for y in range(height)
        for x in range(width)
        for value in (
            x * 255 // (width - 1),
            y * 255 // (height - 1),
            (x * 7 + y * 13) % 256,
            (x * 5 + y * 3) % 256 if alpha else 255,
        )
    )
    return Pixels(width, height, rgba)


ONE = Pixels(1, 1, bytes([200, 100, 50, 255]))
CLEAR = Pixels(2, 2, bytes(16))


@pytest.mark.parametrize(
    ("pixels", "hashed"),
    [
        (waves(40, 30), "HwgKPZpgh3dwh3eHdXh2eKCACPh4"),
        (waves(30, 40), "3/cJPRqAh3B3d4d3Zld5eXGQCPh4"),
        (waves(33, 33, alpha=True), "oxiGHQ4okYewiJqGdMDAGPpncHdzeId3dw=="),
        (ONE, "Hcs6zzII9wiIh4hwj3CI+AiIgIAICIgA"),
    ],
)
def test_thumbhash_is_the_references(pixels: Pixels, hashed: str) -> None:
    assert base64.b64encode(thumbhash(pixels)).decode() == hashed


def test_thumbhash_of_nothing_to_see_says_so() -> None:
    hashed = thumbhash(CLEAR)
    assert hashed[2] & 0x80  # it has alpha …
    assert hashed[5] & 15 == 0  # … whose mean is 0


@pytest.mark.parametrize(
    ("pixels", "across", "down", "hashed"),
    [
        (waves(40, 30), 4, 3, "L$HetU2r$1X8l}WVjsf8gHfhfLfi"),
        (waves(30, 40), 4, 3, "L$HetV2swyX8l}adjre:gbfifRfi"),
        (waves(100, 10), 1, 1, "00HVM4"),
        (ONE, 1, 1, "00M|T9"),
        (CLEAR, 1, 1, "00TSUA"),
    ],
)
def test_blurhash_is_the_references(pixels: Pixels, across: int, down: int, hashed: str) -> None:
    assert blurhash(pixels, across, down) == hashed
