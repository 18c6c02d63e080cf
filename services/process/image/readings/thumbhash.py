"""ThumbHash: a blurred picture in about 25 bytes, with its proportions and its transparency.

The format and its arithmetic are Evan Wallace's, https://evanw.github.io/thumbhash/.
"""

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.process.image.engine import Pixels

SIDE_PIXELS = 100  # the format's limit; more would change nothing that can be seen

_Channel = list[float]


@dataclass(frozen=True, slots=True)
class ThumbHash:
    """The hash in Base64, as its decoders take it."""

    def __call__(self, pixels: Pixels, source: Path) -> dict[str, Any]:
        """See `Reader`."""
        return {"thumbHash": base64.b64encode(thumbhash(pixels)).decode()}


@dataclass(frozen=True, slots=True)
class _Waves:
    """A channel as cosine waves: the mean, and how much each other wave counts.

    Attributes:
        scale: the largest amplitude.
        shares: amplitudes from 0 (minus `scale`) to 1 (plus `scale`).
    """

    mean: float
    scale: float
    shares: list[float]


def thumbhash(pixels: Pixels) -> bytes:
    """The hash of a picture of at most 100×100 pixels."""
    width, height = pixels.width, pixels.height
    lightness, warmth, redness, alpha = _channels(pixels)
    has_alpha = sum(alpha) < width * height
    limit = 5 if has_alpha else 7
    across, down = (max(1, _rounded(limit * side / max(width, height))) for side in (width, height))
    light = _waves(lightness, width, height, max(3, across), max(3, down))
    warm, red = (_waves(channel, width, height, 3, 3) for channel in (warmth, redness))
    clear = _waves(alpha, width, height, 5, 5) if has_alpha else None
    head = _head(light, warm, red, has_alpha)
    shape = _shape(warm, red, down if width > height else across, width > height)
    start = head.to_bytes(3, "little") + shape.to_bytes(2, "little")
    if clear:
        start += bytes([_rounded(15 * clear.mean) | _rounded(15 * clear.scale) << 4])
    parts = [light, warm, red, *([clear] if clear else [])]
    return start + _nibbles([_rounded(15 * share) for part in parts for share in part.shares])


def _head(light: _Waves, warm: _Waves, red: _Waves, has_alpha: bool) -> int:
    return (
        _rounded(63 * light.mean)
        | _rounded(31.5 + 31.5 * warm.mean) << 6
        | _rounded(31.5 + 31.5 * red.mean) << 12
        | _rounded(31 * light.scale) << 18
        | has_alpha << 23
    )


def _shape(warm: _Waves, red: _Waves, waves: int, landscape: bool) -> int:
    return waves | _rounded(63 * warm.scale) << 3 | _rounded(63 * red.scale) << 9 | landscape << 15


def _channels(pixels: Pixels) -> tuple[_Channel, _Channel, _Channel, _Channel]:
    """Lightness, yellow against blue, red against green, and alpha; laid on the mean colour."""
    alpha = [value / 255 for value in pixels.rgba[3::4]]
    total = sum(alpha)
    opaque = []
    for channel in (pixels.rgba[0::4], pixels.rgba[1::4], pixels.rgba[2::4]):
        seen = [value / 255 * a for value, a in zip(channel, alpha, strict=True)]
        mean = sum(seen) / total if total else 0.0
        opaque.append([mean * (1 - a) + value for value, a in zip(seen, alpha, strict=True)])
    colours = list(zip(*opaque, strict=True))
    lightness = [(r + g + b) / 3 for r, g, b in colours]
    warmth = [(r + g) / 2 - b for r, g, b in colours]
    return lightness, warmth, [r - g for r, g, _ in colours], alpha


def _waves(channel: _Channel, width: int, height: int, across: int, down: int) -> _Waves:
    rows = [channel[start : start + width] for start in range(0, width * height, width)]
    columns = [[_amplitude(row, wave) for row in rows] for wave in range(across)]
    mean, *others = [
        _amplitude(columns[x], y) for y in range(down) for x in _below_the_diagonal(y, across, down)
    ]
    scale = max(map(abs, others))
    shares = [0.5 + 0.5 / scale * other for other in others] if scale else others
    return _Waves(mean, scale, shares)


def _below_the_diagonal(y: int, across: int, down: int) -> Iterator[int]:
    """The waves that count in row `y`: half of all, the slower ones."""
    return (x for x in range(across) if x * down < across * (down - y))


def _amplitude(values: list[float], wave: int) -> float:
    step = math.pi / len(values) * wave
    waved = (value * math.cos(step * (at + 0.5)) for at, value in enumerate(values))
    return sum(waved) / len(values)


def _nibbles(values: list[int]) -> bytes:
    """Two values to a byte, the lower half first."""
    padded = [*values, 0] if len(values) % 2 else values
    return bytes(low | high << 4 for low, high in zip(padded[0::2], padded[1::2], strict=True))


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)
