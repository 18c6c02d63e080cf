"""BlurHash: a blurred picture as a short text.

The format is Wolt's, https://github.com/woltapp/blurhash/blob/master/Algorithm.md.
"""

import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from services.process.image.engine import Pixels

SIDE_PIXELS = 64  # more would change nothing that can be seen

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_LINEAR = [
    value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4
    for value in range(256)
]

_Light = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class BlurHash:
    """The hash as a text; what is transparent counts as white.

    Attributes:
        across, down: how many waves it has in each direction, 1 to 9.
    """

    across: int
    down: int

    def __call__(self, pixels: Pixels, source: Path) -> dict[str, Any]:
        """See `Reader`."""
        return {"blurHash": blurhash(pixels, self.across, self.down)}


def blurhash(pixels: Pixels, across: int, down: int) -> str:
    """The hash of a picture with so many waves in each direction."""
    light = _light(pixels)
    waves = [_wave(light, pixels, x, y) for y, x in product(range(down), range(across))]
    mean, others = waves[0], waves[1:]
    largest = max((abs(value) for wave in others for value in wave), default=0.0)
    step = max(0, min(82, math.floor(largest * 166 - 0.5))) if others else 0
    unit = (step + 1) / 166 if others else 1.0
    size = _digits((across - 1) + (down - 1) * 9, 1)
    return (
        size
        + _digits(step, 1)
        + _digits(_colour(mean), 4)
        + "".join(_digits(_difference(wave, unit), 2) for wave in others)
    )


def _light(pixels: Pixels) -> list[_Light]:
    """Linear light of each pixel, on white."""
    rgba = pixels.rgba
    return [
        tuple(
            _LINEAR[round(rgba[at + c] * rgba[at + 3] / 255 + 255 - rgba[at + 3])] for c in range(3)
        )  # type: ignore[misc]
        for at in range(0, len(rgba), 4)
    ]


def _wave(light: list[_Light], pixels: Pixels, x: int, y: int) -> _Light:
    """How much the picture has of one wave, in each colour."""
    width, height = pixels.width, pixels.height
    across = [math.cos(math.pi * x * at / width) for at in range(width)]
    down = [math.cos(math.pi * y * at / height) for at in range(height)]
    basis = [a * b for b in down for a in across]
    scale = (1 if x == y == 0 else 2) / (width * height)
    red, green, blue = (
        scale * sum(b * colour[c] for b, colour in zip(basis, light, strict=True)) for c in range(3)
    )
    return red, green, blue


def _colour(mean: _Light) -> int:
    red, green, blue = map(_byte, mean)
    return red << 16 | green << 8 | blue


def _byte(light: float) -> int:
    """Linear light as a value of sRGB."""
    value = max(0.0, min(1.0, light))
    coded = value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return int(coded * 255 + 0.5)


def _difference(wave: _Light, unit: float) -> int:
    red, green, blue = (
        max(0, min(18, math.floor(math.copysign(abs(value / unit) ** 0.5, value) * 9 + 9.5)))
        for value in wave
    )
    return (red * 19 + green) * 19 + blue


def _digits(value: int, length: int) -> str:
    return "".join(_DIGITS[value // 83**place % 83] for place in range(length - 1, -1, -1))
