"""A progressive JPEG without what a decoder that shrinks by 8 reads and never uses.

Such a file has each block of 8×8 samples as 64 coefficients, spread over scans: the mean of each
block (DC, coefficient 0), and by and by its detail (AC, 1 to 63). A decoder that shrinks by 8
makes one pixel of a block, from its DC; but libjpeg reads all scans before, which takes most of
its time.

Not of every component: where chroma has half the resolution both ways, libjpeg-turbo brings it up
by making 2×2 pixels of its blocks, which takes AC. In `jpeg_calc_output_dimensions` (jdmaster.c) a
block becomes `ssize` pixels wide and high: at an eighth 1, doubled as long as `max_h_samp_factor %
(h_samp_factor * ssize * 2)` and the same of `v` are both 0. So AC is used in the chroma of 4:2:0,
and not in that of 4:4:4, 4:2:2, 4:4:0 and 4:1:1. mozjpeg, which libvips' wheel brings, has this
from libjpeg-turbo.

In place of the scans that are left out, one of some bytes says for each component that its AC is
zero. Were nothing said of it, libjpeg would guess it from the blocks around, and change DC by that
(`smoothing_ok` and `decompress_smooth_data` in jdcoefct.c).
"""

import struct
from collections.abc import Iterator, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path

from services.process.image.source.jpeg import (
    DHT,
    DRI,
    EOI,
    SOF2,
    SOI,
    SOS,
    File,
    Frame,
    Scan,
    Unusual,
    segment,
    segments,
)

SHRINK = 8
_MOST_RUN = 32767  # blocks that one code can end: EOB14 and 14 ones


def coarse(source: Path) -> bytes | None:
    """The JPEG `source` with no more than its pixels at an eighth need, as a file in memory.

    A decoder that shrinks by `SHRINK` makes the same pixels of both. What is left out is not looked
    at, but that it is there, and in its place.

    Returns:
        None where the decoder is to have the whole file: it is not progressive with Huffman codes
        and 8 bits, has no end, has markers that are not usual in their place, or not every
        coefficient to its last bit, each scan after those that it builds on.
    """
    try:
        with source.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            return _rewritten(data)
    except (ValueError, LookupError, struct.error):
        return None


def _rewritten(data: File) -> bytes:
    parts = list(segments(data))
    (frame,) = (Frame.of(part.body) for part in parts if part.marker == SOF2)
    scans = {part.start: Scan.of(part.body) for part in parts if part.marker == SOS}
    _check(frame, list(scans.values()))
    unused = _without_detail(frame)
    left_out = {start for start, scan in scans.items() if _has_nothing_but_detail(scan, unused)}
    kept = (data[part.start : part.end] for part in parts if part.start not in left_out)
    return b"".join((segment(SOI), *kept, *_nothing(frame, unused), segment(EOI)))


def _check(frame: Frame, scans: Sequence[Scan]) -> None:
    """Every coefficient to its last bit, each bit once, the highest first; and DC before AC."""
    known = {component: [-1] * 64 for component in frame.sampling}
    for scan in scans:
        for component in scan.components:
            bits, band = known[component], slice(scan.first, scan.last + 1)
            if set(bits[band]) != {scan.before or -1} or (scan.first > 0 and bits[0] == -1):
                raise Unusual
            bits[band] = [scan.after] * len(bits[band])
    if any(any(bits) for bits in known.values()):
        raise Unusual


def _without_detail(frame: Frame) -> list[int]:
    """The components of which an eighth takes nothing but DC."""
    across, down = frame.most
    sampling = frame.sampling.items()
    return [component for component, (h, v) in sampling if across % (2 * h) or down % (2 * v)]


def _has_nothing_but_detail(scan: Scan, components: Sequence[int]) -> bool:
    return scan.first > 0 and scan.components[0] in components


def _nothing(frame: Frame, components: Sequence[int]) -> Iterator[bytes]:
    """For each component a scan that says that all its AC is zero.

    The symbol EOBn and n further bits say of 2^n blocks, and as many more as these bits say, that
    nothing follows. Its code here is n in four bits.
    """
    yield segment(DRI, bytes(2))
    symbols = bytes(n << 4 for n in range(15))
    yield segment(DHT, b"\x10" + bytes((0, 0, 0, len(symbols))) + bytes(12) + symbols)
    for component in components:
        yield segment(SOS, bytes((1, component, 0, 1, 63, 0))) + _ends(frame.blocks(component))


def _ends(blocks: int) -> bytes:
    """The codes for so many blocks, filled up with ones, and stuffed."""
    whole, rest = divmod(blocks, _MOST_RUN)
    bits = "".join(_end(run) for run in (*[_MOST_RUN] * whole, rest) if run)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def _end(run: int) -> str:
    n = run.bit_length() - 1
    return f"{n:04b}" + f"{run:b}"[1:]
