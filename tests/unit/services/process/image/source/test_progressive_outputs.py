"""Small outputs of a progressive photo, by each engine: the same bytes, from less of the file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.process.image.engine import Engine
from services.process.image.operations.blur import Blur
from services.process.image.operations.low_quality import LowQuality
from services.process.image.operations.thumbnail import Thumbnail
from services.process.image.source import jpeg
from services.process.image.source.progressive import coarse
from shared.errors import CorruptMedia
from tests.conftest import ROOT

SMALL = (Thumbnail(name="a"), Blur(name="b", width=160, height=160), LowQuality(name="c"))


@pytest.fixture(scope="module")
def photo() -> bytes:
    return (ROOT / "examples" / "mountains.jpg").read_bytes()


def made(engine: Engine, file: bytes, directory: Path) -> list[bytes]:
    """The small outputs' files."""
    directory.mkdir()
    (directory / "photo.jpg").write_bytes(file)
    wishes = [wish for recipe in SMALL for wish in recipe.wishes()]
    engine.render(directory / "photo.jpg", wishes, directory)
    return [(directory / wish.file).read_bytes() for wish in wishes]


def left_whole(file: bytes) -> bytes:
    """The same picture in a file of which the decoder sees all: with a remark before its end."""
    assert file.endswith(b"\xff\xd9")
    return file[:-2] + b"\xff\xfe\x00\x02\xff\xd9"


def spoilt(file: bytes, wanted: Callable[[jpeg.Scan], bool]) -> bytes:
    """Without what some of its scans told, but with all markers."""
    spoilt = bytearray(file)
    for part in jpeg.segments(file):
        if part.marker == jpeg.SOS and wanted(jpeg.Scan.of(part.body)):
            start = part.start + 4 + len(part.body)
            spoilt[start : part.end] = b"\x5a" * (part.end - start)
    return bytes(spoilt)


def test_outputs_are_those_of_the_whole_file(engine: Engine, photo: bytes, tmp_path: Path) -> None:
    whole = left_whole(photo)
    assert made(engine, photo, tmp_path / "a") == made(engine, whole, tmp_path / "b")
    assert coarse(tmp_path / "a" / "photo.jpg") is not None
    assert coarse(tmp_path / "b" / "photo.jpg") is None


def test_detail_that_is_not_used_is_not_read(engine: Engine, photo: bytes, tmp_path: Path) -> None:
    """So that the test before this one compares two ways: here the other one comes to nothing."""
    luma = spoilt(photo, lambda scan: scan.first > 0 and scan.components == (1,))
    luma = luma.replace(b"\xff\xda\x00\x08\x01\x01\x00", b"\xff\xda\x00\x08\x01\x01\x03")
    assert made(engine, luma, tmp_path / "a") == made(engine, photo, tmp_path / "b")
    assert "damaged" in outcome(engine, left_whole(luma), tmp_path / "c")


@pytest.mark.parametrize("first", [0, 1])
def test_what_is_used_is_read(engine: Engine, first: int, photo: bytes, tmp_path: Path) -> None:
    """Luma's and chroma's means, and chroma's detail."""
    damaged = spoilt(photo, lambda scan: scan.first == first and scan.components != (1,))
    found = outcome(engine, damaged, tmp_path / "a")
    assert found == outcome(engine, left_whole(damaged), tmp_path / "b")
    assert found != outcome(engine, photo, tmp_path / "c")


def outcome(engine: Engine, file: bytes, directory: Path) -> list[bytes] | str:
    try:
        return made(engine, file, directory)
    except CorruptMedia as error:
        return str(error)


@pytest.mark.parametrize("missing", [2, 3, 100_000, 1_000_000])
def test_a_photo_that_breaks_off_is_damaged(
    engine: Engine, missing: int, photo: bytes, tmp_path: Path
) -> None:
    with pytest.raises(CorruptMedia, match="damaged"):
        made(engine, photo[:-missing], tmp_path / "made")
