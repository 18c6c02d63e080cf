"""Files that the decoder is to see whole, for not all is in its usual place; and damaged ones."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.process.image.source import jpeg
from services.process.image.source.progressive import SHRINK, coarse
from tests.unit.services.process.image.source.jpegs import Form, Scan, chain, noise, simple

RGB = ((2, 2), (1, 1), (1, 1))
USUAL = noise(Form(70, 50, RGB, simple(RGB)))


def shortened(file: bytes, directory: Path) -> bytes | None:
    (directory / "photo.jpg").write_bytes(file)
    return coarse(directory / "photo.jpg")


def with_scans(*some: Scan) -> bytes:
    return noise(Form(70, 50, RGB, some))


def before(marker: int, number: int, part: bytes) -> bytes:
    """`part` stands before the marker that is there for the time `number`, from 0."""
    pieces = USUAL.split(bytes((0xFF, marker)))
    head, tail = pieces[: number + 1], pieces[number + 1 :]
    sign = bytes((0xFF, marker))
    return sign.join(head) + part + sign + sign.join(tail)


UNUSUAL = {
    "no JPEG": b"GIF89a" + bytes(100),
    "empty": b"",
    "no more than a start": b"\xff\xd8",
    "not progressive": USUAL.replace(b"\xff\xc2", b"\xff\xc0"),
    "arithmetic coding": USUAL.replace(b"\xff\xc2", b"\xff\xca"),
    "hierarchical": USUAL.replace(b"\xff\xc2", b"\xff\xc6"),
    "12 bits": USUAL.replace(b"\xff\xc2\x00\x11\x08", b"\xff\xc2\x00\x11\x0c"),
    "no height yet": USUAL.replace(b"\x08\x00\x32\x00\x46", b"\x08\x00\x00\x00\x46"),
    "no width": USUAL.replace(b"\x08\x00\x32\x00\x46", b"\x08\x00\x32\x00\x00"),
    "a sampling factor of 0": USUAL.replace(b"\x03\x00\x22\x00", b"\x03\x00\x02\x00"),
    "a sampling factor of 5": USUAL.replace(b"\x03\x00\x22\x00", b"\x03\x00\x52\x00"),
    "two components of one name": USUAL.replace(b"\x22\x00\x01\x11", b"\x22\x00\x00\x11"),
    "more components than are told of": USUAL.replace(b"\x46\x03\x00", b"\x46\x04\x00"),
    "five components": noise(Form(9, 9, ((1, 1),) * 5, simple(((1, 1),) * 5))),
    "two frames": before(0xC4, 0, jpeg.segment(0xC2, USUAL[USUAL.index(b"\xff\xc2") :][4:19])),
    "no frame": USUAL.replace(b"\xff\xc2", b"\xff\xfe"),
    "no end": USUAL[:-2],
    "half of it": USUAL[: len(USUAL) // 2],
    "an end in the middle": USUAL[: len(USUAL) // 2] + b"\xff\xd9",
    "the number of lines": before(0xDA, 1, b"\xff\xdc\x00\x04\x00\x32"),
    "a reserved marker": before(0xDA, 3, b"\xff\xf0\x00\x02"),
    "a remark between scans": before(0xDA, 3, b"\xff\xe1\x00\x02"),
    "a quantiser between scans": before(0xDA, 3, jpeg.segment(0xDB, bytes((0, *range(1, 65))))),
    "another start": before(0xDA, 2, b"\xff\xd8"),
    "a marker of two signs": before(0xDA, 3, b"\xff"),
    "something before a marker": before(0xDA, 0, b"\x00"),
    "a scan of an unknown component": USUAL.replace(
        b"\x01\x02\x00\x01\x3f", b"\x01\x07\x00\x01\x3f"
    ),
    "a scan of no component": before(0xDA, 3, jpeg.segment(0xDA, bytes((0, 1, 63, 0)))),
    "a scan of two components": before(
        0xDA, 3, jpeg.segment(0xDA, bytes((2, 0, 0, 1, 0, 1, 63, 0)))
    ),
    "a scan that says too little": before(0xDA, 3, jpeg.segment(0xDA, bytes((1, 0, 0, 1, 63)))),
    "DC and AC in one": with_scans(*(Scan((n,), 0, 63) for n in range(3))),
    "AC before DC": with_scans(*simple(RGB)[::-1]),
    "no AC of one component": with_scans(*simple(RGB)[:-1]),
    "no DC of one component": with_scans(*simple(RGB)[1:]),
    "some AC nowhere": with_scans(*simple(RGB)[:-1], Scan((2,), 1, 62)),
    "AC without its last bit": with_scans(*simple(RGB)[:-1], Scan((2,), 1, 63, 0, 1)),
    "DC without its last bit": with_scans(Scan((0,), 0, 0, 0, 1), *simple(RGB)[1:]),
    "AC twice": with_scans(*simple(RGB), Scan((2,), 1, 63)),
    "a bit twice": with_scans(*simple(RGB), Scan((2,), 1, 63, 1, 0)),
    "a bit too early": with_scans(*simple(RGB)[:-1], *chain((2,), 1, 63, 2)[::-1]),
    "two bits at once": with_scans(
        *simple(RGB)[:-1], Scan((2,), 1, 63, 0, 2), Scan((2,), 1, 63, 2, 0)
    ),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_file_is_left_whole(name: str, tmp_path: Path) -> None:
    assert shortened(USUAL, tmp_path) is not None
    assert UNUSUAL[name] != USUAL
    assert shortened(UNUSUAL[name], tmp_path) is None


def test_what_follows_the_end_is_of_no_interest(tmp_path: Path) -> None:
    assert shortened(USUAL + b"another picture", tmp_path) == shortened(USUAL, tmp_path)


def test_a_million_markers_are_not_all_read(tmp_path: Path) -> None:
    assert shortened(before(0xDA, 0, b"\xff\xfe\x00\x02" * 1_000_000), tmp_path) is None


HEAD = USUAL.index(b"\xff\xda") + 20
PLACES = st.one_of(st.integers(2, HEAD), st.integers(HEAD, len(USUAL) - 3))
TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)
BYTES = st.one_of(st.sampled_from((0x00, 0xFF, 0xD0, 0xC4, 0xDA)), st.integers(0, 255))


@given(st.dictionaries(PLACES, BYTES, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_of_a_damaged_file_the_same_pixels_are_made(
    tmp_path_factory: pytest.TempPathFactory, damage: dict[int, int]
) -> None:
    """Where the whole file gives pixels, what is left of it gives the same."""
    damaged = bytearray(USUAL)
    for place, byte in damage.items():
        damaged[place] = byte
    short = shortened(bytes(damaged), tmp_path_factory.getbasetemp())
    wanted = pixels(bytes(damaged))
    if short is not None and wanted is not None:
        assert pixels(short) == wanted


def pixels(file: bytes) -> bytes | None:
    """Those at an eighth; None where there are none, or the file says a size far from its own."""
    try:
        with Image.open(io.BytesIO(file), formats=("JPEG",)) as image:
            image.draft(None, (image.width // SHRINK, image.height // SHRINK))
            image.load()
            return image.tobytes()
    except (OSError, SyntaxError, ZeroDivisionError, *TOO_LARGE):
        return None
