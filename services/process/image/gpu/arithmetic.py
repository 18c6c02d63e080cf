"""The numbers that Pillow's resampling and blur go by, so that kernels give the very same pixels.

Both are integer arithmetic (src/libImaging/Resample.c, BoxBlur.c of Pillow 13), so they can be
restated exactly; a matrix product in floating point cannot. Needs numpy.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Size: TypeAlias = tuple[int, int]
_Reals: TypeAlias = NDArray[np.float64]

ALPHA = (2, 4)  # channels of pictures whose last one is transparency
PASSES = 3  # box blurs that make a Gaussian one

_BITS = 22  # of a coefficient, behind the point
_LOBES = 3.0  # of Lanczos' filter, to either side


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


def unchanged(before: Size, after: Size, box: Box | None) -> bool:
    """Whether there is nothing to resize."""
    return before == after and box in (None, (0, 0, *before))


def passes(before: Size, after: Size, box: Box | None) -> tuple[Pass, ...]:
    """From width and height to width and height, in this order; what stays as it is, is left out.

    First across, but first down where more than twice as many rows as columns go.
    """
    (width, height), (columns, rows) = before, after
    left, top, right, bottom = box or (0, 0, width, height)
    halves = []
    if (left, right) != (0, width) or columns != width:
        halves.append(Pass(False, _coefficients(width, columns, left, right)))
    if (top, bottom) != (0, height) or rows != height:
        halves.append(Pass(True, _coefficients(height, rows, top, bottom)))
    down_first = rows < height and height - rows > 2 * (width - columns)
    return tuple(reversed(halves) if down_first else halves)


def _coefficients(inputs: int, outputs: int, start: float, end: float) -> Coefficients:
    """For one axis: from the stretch `start` to `end` of `inputs` pixels to `outputs` pixels."""
    scale = float(np.float32(end) - np.float32(start)) / outputs
    widened = max(scale, 1.0)
    reach = _LOBES * widened
    centres = float(np.float32(start)) + (np.arange(outputs) + 0.5) * scale
    starts = np.maximum(0, (centres - reach + 0.5).astype(np.int32))
    ends = np.minimum(inputs, (centres + reach + 0.5).astype(np.int32))
    taps = np.arange(math.ceil(reach) * 2 + 1, dtype=np.int32)
    distances = (starts[:, None] + taps) - centres[:, None] + 0.5
    row = np.where(taps < (ends - starts)[:, None], _lanczos(distances * (1.0 / widened)), 0.0)
    return Coefficients(starts, _fixed(row))


def _lanczos(x: _Reals) -> _Reals:
    return np.where((x >= -_LOBES) & (x < _LOBES), _sinc(x) * _sinc(x / _LOBES), 0.0)


def _sinc(x: _Reals) -> _Reals:
    angle = x * math.pi
    return np.where(x == 0.0, 1.0, _each(math.sin, angle) / np.where(x == 0.0, 1.0, angle))


def _each(function: Callable[[float], float], values: _Reals) -> _Reals:
    """By the C library, as Pillow does: numpy's own differ in the last bits."""
    return np.array([function(value) for value in values.flat]).reshape(values.shape)


def _fixed(row: _Reals) -> NDArray[np.int32]:
    """Normalised to 1, and rounded half away from zero."""
    total = np.zeros(len(row))
    for tap in range(row.shape[1]):  # in this order, for the sum's last bits
        total += row[:, tap]
    normal = row / np.where(total == 0.0, 1.0, total)[:, None]
    return (normal * (1 << _BITS) + np.where(normal >= 0, 0.5, -0.5)).astype(np.int32)


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
