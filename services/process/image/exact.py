"""Pillow's resampling and blur restated in numpy: the very same pixels, bit for bit.

Both are integer arithmetic (src/libImaging/Resample.c, BoxBlur.c), so they can be restated
exactly; a matrix product in floating point cannot. This is the reference that kernels on other
devices are held against. Needs numpy.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]  # (height, width, channels)
Filter = Literal["box", "bilinear", "hamming", "bicubic", "lanczos"]
Box: TypeAlias = tuple[float, float, float, float]

_BITS = 22  # of a coefficient, behind the point
_HALF = 1 << (_BITS - 1)


@dataclass(frozen=True)
class Coefficients:
    """What each output along one axis is a sum of.

    Attributes:
        starts: the first input of each output.
        weights: (outputs, most inputs) in units of 2**-22; 0 where an output has fewer inputs.
    """

    starts: NDArray[np.int32]
    weights: NDArray[np.int32]


# ── resize ───────────────────────────────────────────────────────────────────────────────────


def _sinc(x: float) -> float:
    return 1.0 if x == 0.0 else math.sin(x * math.pi) / (x * math.pi)


def _box(x: float) -> float:
    return 1.0 if -0.5 < x <= 0.5 else 0.0


def _bilinear(x: float) -> float:
    return max(0.0, 1.0 - abs(x))


def _hamming(x: float) -> float:
    x = abs(x)
    return _sinc(x) * (0.54 + 0.46 * math.cos(x * math.pi)) if x < 1.0 else 0.0


def _bicubic(x: float) -> float:
    a, x = -0.5, abs(x)
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2.0 else 0.0


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / 3) if -3.0 <= x < 3.0 else 0.0


_FILTERS: dict[Filter, tuple[Callable[[float], float], float]] = {
    "box": (_box, 0.5),
    "bilinear": (_bilinear, 1.0),
    "hamming": (_hamming, 1.0),
    "bicubic": (_bicubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}


def coefficients(
    inputs: int, outputs: int, start: float, end: float, name: Filter = "lanczos"
) -> Coefficients:
    """For one axis: from the stretch `start` to `end` of `inputs` pixels to `outputs` pixels."""
    function, support = _FILTERS[name]
    scale = (end - start) / outputs
    widened = max(scale, 1.0)
    reach = support * widened
    starts = np.zeros(outputs, np.int32)
    weights = np.zeros((outputs, math.ceil(reach) * 2 + 1), np.int32)
    for output in range(outputs):
        centre = start + (output + 0.5) * scale
        first = max(0, int(centre - reach + 0.5))
        last = min(inputs, int(centre + reach + 0.5))
        row = [function((x - centre + 0.5) * (1.0 / widened)) for x in range(first, last)]
        starts[output] = first
        weights[output, : len(row)] = _fixed(row)
    return Coefficients(starts, weights)


def _fixed(row: Sequence[float]) -> list[int]:
    """Normalised to 1, and rounded half away from zero."""
    total = 0.0
    for weight in row:  # in this order, for the sum's last bits
        total += weight
    normal = [weight / total if total else weight for weight in row]
    return [int(weight * (1 << _BITS) + (0.5 if weight >= 0 else -0.5)) for weight in normal]


def resized(
    pixels: Pixels, size: tuple[int, int], name: Filter = "lanczos", box: Box | None = None
) -> Pixels:
    """As `Image.resize(size, name, box)`; `pixels` of 4 channels are RGBA, not premultiplied.

    First across, then down, each clamped to 8 bits; an axis that stays as it is is left out.
    """
    if pixels.shape[2] == 4:
        return unpremultiplied(_resized(premultiplied(pixels), size, name, box))
    return _resized(pixels, size, name, box)


def _resized(pixels: Pixels, size: tuple[int, int], name: Filter, box: Box | None) -> Pixels:
    height, width = pixels.shape[:2]
    left, top, right, bottom = box or (0, 0, width, height)
    if (left, right) != (0, width) or size[0] != width:
        pixels = passed(pixels, coefficients(width, size[0], left, right, name))
    if (top, bottom) != (0, height) or size[1] != height:
        down = coefficients(height, size[1], top, bottom, name)
        pixels = passed(pixels.swapaxes(0, 1), down).swapaxes(0, 1)
    return pixels


def passed(pixels: Pixels, along: Coefficients) -> Pixels:
    """One pass over the second axis."""
    last = pixels.shape[1] - 1
    sums = np.full((pixels.shape[0], len(along.starts), pixels.shape[2]), _HALF, np.int32)
    for tap in range(along.weights.shape[1]):
        inputs = np.minimum(along.starts + tap, last)  # where it is clipped, the weight is 0
        sums += pixels[:, inputs].astype(np.int32) * along.weights[:, tap, None]
    clamped: Pixels = np.clip(sums >> _BITS, 0, 255).astype(np.uint8)
    return clamped


# ── transparency ─────────────────────────────────────────────────────────────────────────────


def premultiplied(pixels: Pixels) -> Pixels:
    """RGBA as RGBa: each colour times alpha."""
    result = pixels.copy()
    product = pixels[..., :3].astype(np.int32) * pixels[..., 3:] + 128
    result[..., :3] = ((product >> 8) + product) >> 8
    return result


def unpremultiplied(pixels: Pixels) -> Pixels:
    """RGBa as RGBA; where nothing is to be seen, the colour stays as it is."""
    result, alpha = pixels.copy(), pixels[..., 3:].astype(np.int32)
    colours = pixels[..., :3].astype(np.int32)
    divided = np.clip(255 * colours // np.maximum(alpha, 1), 0, 255)
    result[..., :3] = np.where((alpha == 0) | (alpha == 255), colours, divided)
    return result


# ── blur ─────────────────────────────────────────────────────────────────────────────────────

_PASSES = 3  # box blurs that make a Gaussian one


def box_radius(sigma: float) -> float:
    """The radius of three box blurs that together are a Gaussian of this standard deviation."""
    single = np.float32
    variance = single(single(sigma) * single(sigma)) / single(_PASSES)
    length = single(math.sqrt(12.0 * float(variance) + 1.0))
    whole = single(math.floor((float(length) - 1.0) / 2.0))
    part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
    part /= 6 * (variance - (whole + 1) * (whole + 1))
    return float(whole + part)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """As `ImageFilter.GaussianBlur(sigma)`; of 4 channels each is blurred for itself."""
    radius = box_radius(sigma)
    for _ in range(2):  # across, then down
        for _ in range(_PASSES):
            pixels = box_blurred(pixels, radius)
        pixels = pixels.swapaxes(0, 1)
    return pixels


def box_blurred(pixels: Pixels, radius: float) -> Pixels:
    """One box blur along the second axis; edges are repeated."""
    whole = int(radius)
    weight = int(np.float32(1 << 24) / (np.float32(radius) * np.float32(2) + np.float32(1)))
    edge = ((1 << 24) - (whole * 2 + 1) * weight) // 2
    width = pixels.shape[1]
    padded = np.pad(pixels, ((0, 0), (whole + 1, whole + 1), (0, 0)), mode="edge").astype(np.uint64)
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0), (0, 0))), axis=1, dtype=np.uint64)
    inner = sums[:, 2 * whole + 2 : 2 * whole + 2 + width] - sums[:, 1 : 1 + width]
    outer = padded[:, :width] + padded[:, 2 * whole + 2 :]
    total = inner * np.uint64(weight) + outer * np.uint64(edge) + np.uint64(1 << 23)
    return (total >> np.uint64(24)).astype(np.uint8)
