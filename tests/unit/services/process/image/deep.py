"""Pictures of more than 8 bits a sample, written byte by byte as PNG's and TIFF's specifications say."""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.services.process.image.made import png

GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6  # PNG's colour types
WHITE_IS_ZERO, BLACK_IS_ZERO, COLOURS, LAB, ICC_LAB = 0, 1, 2, 8, 9  # TIFF's
WHOLE, SIGNED, FLOATING = 1, 2, 3
ASSOCIATED, UNASSOCIATED = 1, 2  # alpha
_SIZES = {3: "H", 4: "I"}  # SHORT, LONG


def deep_png(
    path: Path, samples: NDArray[Any], colour_type: int, transparent: tuple[int, ...] = ()
) -> Path:
    """A PNG of 16 bits; `transparent` is the one colour that is so."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))]
    if transparent:
        chunks.append((b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)))
    path.write_bytes(png([*chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]))
    return path


def tiff(
    path: Path,
    samples: NDArray[Any],
    meaning: int,
    numbers: int = WHOLE,
    alpha: int | None = None,
    order: str = "<",
) -> Path:
    """A TIFF of one strip, not compressed; its directory stands behind the samples."""
    height, width, count = samples.reshape(*samples.shape[:2], -1).shape
    data = samples.astype(samples.dtype.newbyteorder("<" if order == "<" else ">")).tobytes()
    bits = samples.dtype.itemsize * 8
    tags: dict[int, tuple[int, list[int]]] = {
        256: (3, [width]), 257: (3, [height]), 258: (3, [bits] * count), 259: (3, [1]),
        262: (3, [meaning]), 273: (4, [8]), 277: (3, [count]), 278: (4, [height]),
        279: (4, [len(data)]), 339: (3, [numbers] * count),
    }  # fmt: skip
    if alpha is not None:
        tags[338] = (3, [alpha])
    start = 8 + len(data)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    path.write_bytes(head + data + _directory(dict(sorted(tags.items())), start, order))
    return path


def _directory(tags: Mapping[int, tuple[int, list[int]]], start: int, order: str) -> bytes:
    entries, values = struct.pack(f"{order}H", len(tags)), b""
    behind = start + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in tags.items():
        packed = struct.pack(f"{order}{len(numbers)}{_SIZES[kind]}", *numbers)
        entries += struct.pack(f"{order}HHI", tag, kind, len(numbers))
        if len(packed) > 4:
            entries += struct.pack(f"{order}I", behind + len(values))
            values += packed
        else:
            entries += packed.ljust(4, b"\0")
    return entries + bytes(4) + values


def lab_as_srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* of D50 as sRGB, 0 to 255: ICC.1 for the white, IEC 61966-2-1 for the curve."""
    light, a, b = np.moveaxis(lab, -1, 0)
    y = (light + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.9642, 1, 0.8249)
    linear = xyz @ np.array(
        [
            [3.1338561, -0.9787684, 0.0719453],
            [-1.6168667, 1.9161415, -0.2289914],
            [-0.4906146, 0.0334540, 1.4052427],
        ]
    )
    shown = np.clip(linear, 0, 1)
    curved = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    return np.asarray(255 * curved)
