"""Progressive JPEGs in every form that the standard allows: noise, coded here scan by scan.

Encoders make few of them: with the usual sampling factors, and with scans in one order.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from services.process.image.source.jpeg import DHT, DQT, DRI, EOI, SOF2, SOI, SOS, segment

Block = list[int]
Unit = list[tuple[int, Block]]  # blocks that a scan has side by side, each with its component
_DC_SYMBOLS = bytes(range(12))  # how many bits a difference has
_AC_SYMBOLS = bytes(run << 4 | size for run in range(16) for size in range(11))
_END, _ZEROS = 0x00, 0xF0  # the rest of the band is zero; 16 zeros


@dataclass(frozen=True)
class Scan:
    """Coefficients `first` to `last` of components, by index, from one lowest bit to the next.

    Attributes:
        before: 0 in the first scan of these coefficients.
    """

    components: tuple[int, ...]
    first: int
    last: int
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class Form:
    """What a file is like.

    Attributes:
        sampling: across and down, of each component.
        restart: how many units are between two restart markers; 0 for none.
    """

    width: int
    height: int
    sampling: tuple[tuple[int, int], ...]
    scans: tuple[Scan, ...]
    restart: int = 0


def chain(components: tuple[int, ...], first: int, last: int, bits: int) -> list[Scan]:
    """Coefficients without so many of their lowest bits, and then each of these."""
    further = [Scan(components, first, last, bit, bit - 1) for bit in range(bits, 0, -1)]
    return [Scan(components, first, last, 0, bits), *further]


def simple(sampling: tuple[tuple[int, int], ...]) -> tuple[Scan, ...]:
    every = range(len(sampling))
    return (
        *(Scan((component,), 0, 0) for component in every),
        *(Scan((component,), 1, 63) for component in every),
    )


def noise(form: Form) -> bytes:
    """A file of that form."""
    sides = form.height.to_bytes(2) + form.width.to_bytes(2)
    components = b"".join(bytes((n, h << 4 | v, 0)) for n, (h, v) in enumerate(form.sampling))
    planes = [_plane(form, h, v) for h, v in form.sampling]
    return b"".join(
        (
            segment(SOI),
            segment(DQT, bytes((0, 8, *range(2, 65)))),
            segment(SOF2, b"\x08" + sides + bytes((len(form.sampling),)) + components),
            segment(DHT, _table(0x00, 4, _DC_SYMBOLS) + _table(0x10, 8, _AC_SYMBOLS)),
            segment(DRI, form.restart.to_bytes(2)),
            *(_scan(form, planes, scan) for scan in form.scans),
            segment(EOI),
        )
    )


def _table(name: int, length: int, symbols: bytes) -> bytes:
    """All codes are as long: a symbol's code is its place."""
    counts = bytes(len(symbols) if bits == length else 0 for bits in range(1, 17))
    return bytes((name,)) + counts + symbols


# Blocks


def _plane(form: Form, h: int, v: int) -> list[list[Block]]:
    """All blocks of a component, row by row, and those too that fill up the last unit."""
    chance = random.Random(h * 4 + v)
    across, down = _whole_units(form)
    return [[_block(chance) for _ in range(across * h)] for _ in range(down * v)]


def _block(chance: random.Random) -> Block:
    details = (chance.choice((0, 0, 0, 1, -1, 2, -5, 40)) for _ in range(63))
    return [chance.randint(-60, 60), *details]


def _most(form: Form) -> tuple[int, int]:
    return max(h for h, _ in form.sampling), max(v for _, v in form.sampling)


def _whole_units(form: Form) -> tuple[int, int]:
    """How many units with blocks of all components there are, across and down."""
    h, v = _most(form)
    return -(-form.width // (8 * h)), -(-form.height // (8 * v))


def _units(form: Form, planes: list[list[list[Block]]], components: tuple[int, ...]) -> list[Unit]:
    """In the order of a scan of these components."""
    if len(components) == 1:
        return list(_blocks_alone(form, planes, components[0]))
    across, down = _whole_units(form)
    return [
        [
            (component, planes[component][y * v + row][x * h + column])
            for component in components
            for h, v in (form.sampling[component],)
            for row in range(v)
            for column in range(h)
        ]
        for y in range(down)
        for x in range(across)
    ]


def _blocks_alone(form: Form, planes: list[list[list[Block]]], component: int) -> Iterator[Unit]:
    """Those alone in which something is seen."""
    (h, v), (most_h, most_v) = form.sampling[component], _most(form)
    for row in planes[component][: -(-form.height * v // (8 * most_v))]:
        for block in row[: -(-form.width * h // (8 * most_h))]:
            yield [(component, block)]


# Codes


def _scan(form: Form, planes: list[list[list[Block]]], scan: Scan) -> bytes:
    names = bytes(byte for component in scan.components for byte in (component, 0))
    band = bytes((scan.first, scan.last, scan.before << 4 | scan.after))
    head = segment(SOS, bytes((len(scan.components),)) + names + band)
    units = _units(form, planes, scan.components)
    step = form.restart or len(units)
    pieces = [_packed(_coded(scan, units[at : at + step])) for at in range(0, len(units), step)]
    marks = (segment(0xD0 + number % 8) for number in range(len(pieces)))
    return head + b"".join(piece + mark for piece, mark in zip(pieces, marks, strict=True))[:-2]


def _packed(bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")


def _coded(scan: Scan, units: list[Unit]) -> str:
    if scan.first == 0 and scan.before == 0:
        return "".join(_means(scan.after, units))
    code = _detail if scan.before == 0 else _further_detail
    blocks = (block for unit in units for _, block in unit)
    if scan.first == 0:
        return "".join(str(block[0] >> scan.after & 1) for block in blocks)
    bands = (block[scan.first : scan.last + 1] for block in blocks)
    return "".join("".join(code(band, scan.after)) for band in bands)


def _means(after: int, units: list[Unit]) -> Iterator[str]:
    """What each adds to the one before it of its component."""
    previous: dict[int, int] = defaultdict(int)
    for component, block in (each for unit in units for each in unit):
        mean = block[0] >> after
        size = (mean - previous[component]).bit_length()
        yield f"{size:04b}" + _number(mean - previous[component])
        previous[component] = mean


def _number(value: int) -> str:
    size = value.bit_length()
    return f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else ""


def _symbol(symbol: int) -> str:
    return f"{_AC_SYMBOLS.index(symbol):08b}"


def _cut(value: int, after: int) -> int:
    """Without its lowest bits, nearer to zero."""
    return (abs(value) >> after) * (1 if value > 0 else -1)


def _detail(band: Block, after: int) -> Iterator[str]:
    run = 0
    for value in (_cut(value, after) for value in band):
        if value == 0:
            run += 1
            continue
        yield _symbol(_ZEROS) * (run // 16) + _symbol(run % 16 << 4 | value.bit_length())
        yield _number(value)
        run = 0
    if run:
        yield _symbol(_END)


def _further_detail(band: Block, after: int) -> Iterator[str]:
    """One more bit of what was not zero before, among what no longer is."""
    values = [_cut(value, after) for value in band]
    last_new = max((n for n, value in enumerate(values) if abs(value) == 1), default=-1)
    run, further = 0, ""
    for place, value in enumerate(values):
        if value == 0:
            run += 1
            continue
        while run > 15 and place <= last_new:
            yield _symbol(_ZEROS) + further
            run, further = run - 16, ""
        if abs(value) > 1:
            further += str(abs(value) & 1)
            continue
        yield _symbol(run << 4 | 1) + str(int(value > 0)) + further
        run, further = 0, ""
    if run or further:
        yield _symbol(_END) + further
