"""Pillow's resampling and blur restated in numpy: the very same pixels, bit for bit.

Both are integer arithmetic (src/libImaging/Resample.c, BoxBlur.c), so they can be restated
exactly; a matrix product in floating point cannot. This is the reference that kernels on other
devices are held against. Needs numpy.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]  # (height, width, channels)
Filter = Literal["box", "bilinear", "hamming", "bicubic", "lanczos"]
Box: TypeAlias = tuple[float, float, float, float]
Size: TypeAlias = tuple[int, int]
Reals: TypeAlias = NDArray[np.float64]

ALPHA = (2, 4)  # channels of pictures whose last one is transparency

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


@dataclass(frozen=True)
class Pass:
    """One half of a resize: all rows become shorter, or with `down` all columns."""

    down: bool
    along: Coefficients


# ── resize ───────────────────────────────────────────────────────────────────────────────────


def _each(function: Callable[[float], float], values: Reals) -> Reals:
    """By the C library, as Pillow does: numpy's own differ in the last bits."""
    return np.array([function(value) for value in values.flat]).reshape(values.shape)


def _sinc(x: Reals) -> Reals:
    angle = x * math.pi
    return np.where(x == 0.0, 1.0, _each(math.sin, angle) / np.where(x == 0.0, 1.0, angle))


def _box(x: Reals) -> Reals:
    return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)


def _bilinear(x: Reals) -> Reals:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _hamming(x: Reals) -> Reals:
    x = np.abs(x)
    window = 0.54 + 0.46 * _each(math.cos, x * math.pi)
    return np.where(x < 1.0, _sinc(x) * window, 0.0)


def _bicubic(x: Reals) -> Reals:
    a, x = -0.5, np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _lanczos(x: Reals) -> Reals:
    return np.where((x >= -3.0) & (x < 3.0), _sinc(x) * _sinc(x / 3), 0.0)


_FILTERS: dict[Filter, tuple[Callable[[Reals], Reals], float]] = {
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
    scale = float(np.float32(end) - np.float32(start)) / outputs
    widened = max(scale, 1.0)
    reach = support * widened
    centres = float(np.float32(start)) + (np.arange(outputs) + 0.5) * scale
    starts = np.maximum(0, (centres - reach + 0.5).astype(np.int32))
    ends = np.minimum(inputs, (centres + reach + 0.5).astype(np.int32))
    taps = np.arange(math.ceil(reach) * 2 + 1, dtype=np.int32)
    distances = (starts[:, None] + taps) - centres[:, None] + 0.5
    row = np.where(taps < (ends - starts)[:, None], function(distances * (1.0 / widened)), 0.0)
    return Coefficients(starts, _fixed(row))


def _fixed(row: Reals) -> NDArray[np.int32]:
    """Normalised to 1, and rounded half away from zero."""
    total = np.zeros(len(row))
    for tap in range(row.shape[1]):  # in this order, for the sum's last bits
        total += row[:, tap]
    normal = row / np.where(total == 0.0, 1.0, total)[:, None]
    return (normal * (1 << _BITS) + np.where(normal >= 0, 0.5, -0.5)).astype(np.int32)


def unchanged(before: Size, after: Size, box: Box | None) -> bool:
    """Whether there is nothing to resize."""
    return before == after and box in (None, (0, 0, *before))


def passes(before: Size, after: Size, box: Box | None, name: Filter) -> tuple[Pass, ...]:
    """From width and height to width and height, in this order; what stays as it is, is left out.

    First across, but first down where more than twice as many rows as columns go.
    """
    (width, height), (columns, rows) = before, after
    left, top, right, bottom = box or (0, 0, width, height)
    halves = []
    if (left, right) != (0, width) or columns != width:
        halves.append(Pass(False, coefficients(width, columns, left, right, name)))
    if (top, bottom) != (0, height) or rows != height:
        halves.append(Pass(True, coefficients(height, rows, top, bottom, name)))
    down_first = rows < height and height - rows > 2 * (width - columns)
    return tuple(reversed(halves) if down_first else halves)


def resized(pixels: Pixels, size: Size, name: Filter = "lanczos", box: Box | None = None) -> Pixels:
    """As `Image.resize(size, name, box)` of Pillow 13; of 2 or 4 channels the last is alpha.

    Each pass is clamped to 8 bits.
    """
    before = (pixels.shape[1], pixels.shape[0])
    if unchanged(before, size, box):
        return pixels
    weighted = premultiplied(pixels) if pixels.shape[2] in ALPHA else pixels
    for half in passes(before, size, box, name):
        if half.down:
            weighted = passed(weighted.swapaxes(0, 1), half.along).swapaxes(0, 1)
        else:
            weighted = passed(weighted, half.along)
    return unpremultiplied(weighted) if pixels.shape[2] in ALPHA else weighted


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
    """RGBA as RGBa, LA as La: each colour times alpha."""
    result = pixels.copy()
    product = pixels[..., :-1].astype(np.int32) * pixels[..., -1:] + 128
    result[..., :-1] = ((product >> 8) + product) >> 8
    return result


def unpremultiplied(pixels: Pixels) -> Pixels:
    """RGBa as RGBA, La as LA; where nothing is to be seen, the colour stays as it is."""
    result, alpha = pixels.copy(), pixels[..., -1:].astype(np.int32)
    colours = pixels[..., :-1].astype(np.int32)
    divided = np.clip(255 * colours // np.maximum(alpha, 1), 0, 255)
    result[..., :-1] = np.where(alpha == 0, colours, divided)
    return result


# ── blur ─────────────────────────────────────────────────────────────────────────────────────

PASSES = 3  # box blurs that make a Gaussian one


def box_radius(sigma: float) -> float:
    """The radius of three box blurs that together are a Gaussian of this standard deviation."""
    single = np.float32
    variance = single(single(sigma) * single(sigma)) / single(PASSES)
    length = single(math.sqrt(12.0 * float(variance) + 1.0))
    whole = single(math.floor((float(length) - 1.0) / 2.0))
    part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
    part /= 6 * (variance - (whole + 1) * (whole + 1))
    return float(whole + part)


def box_weights(radius: float) -> tuple[int, int]:
    """Of each whole pixel of a box, and of the two at its edges, in units of 2**-24."""
    weight = int(np.float32(1 << 24) / (np.float32(radius) * np.float32(2) + np.float32(1)))
    return weight, ((1 << 24) - (int(radius) * 2 + 1) * weight) // 2


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """As `ImageFilter.GaussianBlur(sigma)`; of 4 channels each is blurred for itself."""
    radius = box_radius(sigma)
    for _ in range(2):  # across, then down
        for _ in range(PASSES):
            pixels = box_blurred(pixels, radius)
        pixels = pixels.swapaxes(0, 1)
    return pixels


def box_blurred(pixels: Pixels, radius: float) -> Pixels:
    """One box blur along the second axis; edges are repeated."""
    whole = int(radius)
    weight, edge = box_weights(radius)
    width = pixels.shape[1]
    padded = np.pad(pixels, ((0, 0), (whole + 1, whole + 1), (0, 0)), mode="edge").astype(np.uint64)
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0), (0, 0))), axis=1, dtype=np.uint64)
    inner = sums[:, 2 * whole + 2 : 2 * whole + 2 + width] - sums[:, 1 : 1 + width]
    outer = padded[:, :width] + padded[:, 2 * whole + 2 :]
    total = inner * np.uint64(weight) + outer * np.uint64(edge) + np.uint64(1 << 23)
    return (total >> np.uint64(24)).astype(np.uint8)
