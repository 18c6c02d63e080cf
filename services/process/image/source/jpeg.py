"""What a progressive JPEG is made of, as far as it is told outside of its coded data."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Self

SOF2, DHT, SOI, EOI, SOS, DQT, DRI, COM = 0xC2, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xFE
File = bytes | mmap
_UP_TO_FIRST_SCAN = frozenset({SOF2, DHT, SOS, DQT, DRI, COM, *range(0xE0, 0xF0)})
_BETWEEN_SCANS = frozenset({DHT, DRI, SOS, EOI})
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)  # neither a stuffed byte nor RSTn
_MOST_SEGMENTS = 10_000  # scans and tables are some dozens, profiles and XMP some hundreds


class Unusual(ValueError):
    """The file is no progressive JPEG, or not as one usually is."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker and what belongs to it: its body and, behind that of a scan, the coded data.

    Attributes:
        start, end: where in the file all of it is.
    """

    marker: int
    body: bytes
    start: int
    end: int


def segments(data: File) -> Iterator[Segment]:
    """All of the file's first picture, but its start and its end.

    Raises:
        Unusual: it is not progressive, or not in Huffman codes, has no end, or has markers where
            they are not usual.
    """
    if data[:2] != segment(SOI):
        raise Unusual
    start, allowed = 2, _UP_TO_FIRST_SCAN
    for _ in range(_MOST_SEGMENTS):
        sign, marker, length = struct.unpack(">BBH", data[start : start + 4].ljust(4, b"\0"))
        if sign != 0xFF or marker not in allowed:
            raise Unusual
        if marker == EOI:
            return
        end = behind = start + 2 + length
        if marker == SOS:
            end, allowed = _end_of_scan(data, behind), _BETWEEN_SCANS
        yield Segment(marker, data[start + 4 : behind], start, end)
        start = end
    raise Unusual


def _end_of_scan(data: File, start: int) -> int:
    if (found := _END_OF_SCAN.search(data, start)) is None:
        raise Unusual
    return found.start()


def segment(marker: int, body: bytes | None = None) -> bytes:
    """A marker, with its body if it has one, as it stands in a file."""
    head = bytes((0xFF, marker))
    return head if body is None else head + (len(body) + 2).to_bytes(2, "big") + body


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture's size in pixels, and the sampling factors of each component, across and down."""

    width: int
    height: int
    sampling: dict[int, tuple[int, int]]

    @classmethod
    def of(cls, body: bytes) -> Self:
        """From the body of SOF2.

        Raises:
            Unusual, struct.error: it has not 8 bits, 1 to 4 components, a size and factors.
        """
        bits, height, width, count = struct.unpack_from(">BHHB", body)
        components = list(struct.iter_unpack("BBB", body[6:]))
        sampling = {component: divmod(factors, 16) for component, factors, _ in components}
        known = 1 <= count <= 4 and count == len(components) == len(sampling)
        factors = {factor for pair in sampling.values() for factor in pair}
        if not (known and bits == 8 and width and height and factors <= {1, 2, 3, 4}):
            raise Unusual
        return cls(width, height, sampling)

    @property
    def most(self) -> tuple[int, int]:
        """The largest factors that any component has, across and down."""
        across, down = zip(*self.sampling.values(), strict=True)
        return max(across), max(down)

    def blocks(self, component: int) -> int:
        """How many blocks of 8×8 samples a scan of this component alone has."""
        sides = zip((self.width, self.height), self.sampling[component], self.most, strict=True)
        across, down = (-(-pixels * own // (8 * most)) for pixels, own, most in sides)
        return across * down


@dataclass(frozen=True, slots=True)
class Scan:
    """Some bits of some coefficients.

    Attributes:
        first, last: the coefficients, of each block of its components.
        before: the lowest bit that is known of them before this scan; 0 where none is.
        after: the lowest that is known after it.
    """

    components: tuple[int, ...]
    first: int
    last: int
    before: int
    after: int

    @classmethod
    def of(cls, body: bytes) -> Self:
        """From the body of SOS.

        Raises:
            ValueError, IndexError: it is not as the standard has it.
        """
        count = body[0]
        first, last, approximation = body[1 + 2 * count :]
        scan = cls(tuple(body[1 : 1 + 2 * count : 2]), first, last, *divmod(approximation, 16))
        if not scan._is_legal():
            raise Unusual
        return scan

    def _is_legal(self) -> bool:
        mean = self.first == self.last == 0
        detail = len(self.components) == 1 and 1 <= self.first <= self.last <= 63
        bits = self.after <= 13 if self.before == 0 else self.after == self.before - 1
        return (mean or detail) and bits and 1 <= len(set(self.components)) == len(self.components)
