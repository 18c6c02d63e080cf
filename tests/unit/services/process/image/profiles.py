"""Colour profiles to try: what each says is seen at once."""

import struct

from PIL import ImageCms

_D50 = (0.9642, 1.0, 0.8249)


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def lab() -> bytes:
    """Of no picture's own channels."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def red_for_blue() -> bytes:
    """sRGB in which the first channel means blue and the third one red."""
    profile = srgb()
    swap = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    header, table = profile[:132], profile[132:]
    count = int.from_bytes(profile[128:132], "big")
    tags = [table[at : at + 12] for at in range(0, 12 * count, 12)]
    rest = table[12 * count :]
    return header + b"".join(swap.get(tag[:4], tag[:4]) + tag[4:] for tag in tags) + rest


def linear_grey() -> bytes:
    """Grey values that are light itself, as ICC.1:2001-04 writes them: half of 255 is bright."""
    white = b"XYZ \0\0\0\0" + _xyz()
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    begin = 128 + 4 + 2 * 12
    table = struct.pack(
        ">I4sII4sII", 2, b"wtpt", begin, len(white), b"kTRC", begin + len(white), len(curve)
    )
    size = begin + len(white) + len(curve)
    head = struct.pack(
        ">II I4s4s4s 12x 4s 28x", size, 0, 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp"
    )
    return head.ljust(68, b"\0") + _xyz().ljust(60, b"\0") + table + white + curve


def _xyz() -> bytes:
    return struct.pack(">3i", *(round(value * 65536) for value in _D50))
