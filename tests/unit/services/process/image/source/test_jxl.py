"""JPEG XL in and out, with the extra `jxl`, and its size as its header tells it."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from services.process.image.engine import Format, Limits, Target
from services.process.image.pillow.engine import Pillow
from services.process.image.select import render
from services.process.image.source.jxl import size_of
from shared.errors import CorruptMedia, SourceTooLarge, UnsupportedMedia

pytest.importorskip("pillow_jxl")
LIMITS = Limits(pixels=10**7)
SIZES = [
    *[(1, 1), (8, 8), (256, 256), (248, 8), (40, 30), (300, 200), (1920, 1080), (600, 500)],
    *[(1280, 1024), (640, 512), (200, 100), (1001, 77), (5000, 3), (3, 9000)],
]


@pytest.fixture(autouse=True)
def codecs() -> None:
    Pillow(LIMITS)


@pytest.fixture
def photo(mountains: Path) -> Image.Image:
    with Image.open(mountains) as image:
        return image.convert("RGB").resize((320, 240))


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, "JXL", **options)
    return path


def made(source: Path, kind: Format, directory: Path, **wanted: Any) -> Image.Image:
    (rendered,) = render("auto", LIMITS, source, [Target("a", kind, **wanted)], directory)
    assert rendered.engine.startswith("pillow")
    with Image.open(directory / rendered.wish.file) as image:
        image.load()
        return image


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean of all channels."""
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / len(one.tobytes())


def test_it_is_read(photo: Image.Image, tmp_path: Path) -> None:
    source = saved(tmp_path / "photo.jxl", photo, quality=90)
    assert difference(made(source, "png", tmp_path), photo) < 3


@pytest.mark.parametrize("container", [False, True])
def test_transparency_is_read(photo: Image.Image, container: bool, tmp_path: Path) -> None:
    photo.putalpha(128)
    source = saved(tmp_path / "photo.jxl", photo, lossless=True, use_container=container)
    assert made(source, "png", tmp_path).getpixel((0, 0)) == photo.getpixel((0, 0))


def test_it_is_written(photo: Image.Image, tmp_path: Path) -> None:
    source = tmp_path / "photo.png"
    photo.save(source)
    written = made(source, "jxl", tmp_path, quality=90)
    assert (written.format, written.size) == ("JXL", (320, 240))
    assert difference(written, photo) < 3


def test_less_quality_makes_smaller_files(photo: Image.Image, tmp_path: Path) -> None:
    source = tmp_path / "photo.png"
    photo.save(source)
    wishes = [Target(f"q{quality}", "jxl", quality=quality) for quality in (30, 60, 90)]
    sizes = [one.size for one in render("auto", LIMITS, source, wishes, tmp_path)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 2


def test_metadata_are_taken_over_as_asked(photo: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.update({0x010F: "Maker", 0x013B: "Somebody"})
    source = saved(tmp_path / "photo.jxl", photo, exif=exif.tobytes())
    assert not made(source, "jxl", tmp_path).getexif()
    (tmp_path / "a.jxl").unlink()
    assert dict(made(source, "jxl", tmp_path, metadata="exif").getexif()) == {0x010F: "Maker"}


def test_exif_does_not_turn_what_lies_upright(photo: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = saved(tmp_path / "photo.jxl", photo, exif=exif.tobytes())
    assert difference(made(source, "png", tmp_path), photo) < 5


def test_exif_turns_the_jpeg_that_was_packed_into_it(photo: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    photo.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    with Image.open(tmp_path / "photo.jpg") as jpeg:
        source = saved(tmp_path / "photo.jxl", jpeg, lossless_jpeg=True)
    assert difference(made(source, "png", tmp_path), ImageOps.flip(ImageOps.mirror(photo))) < 5


def test_what_is_damaged_is_refused(photo: Image.Image, tmp_path: Path) -> None:
    source = saved(tmp_path / "photo.jxl", photo)
    data = source.read_bytes()
    for end in (1, 3, 20, len(data) // 2, len(data) - 20):
        source.write_bytes(data[:end])
        with pytest.raises((CorruptMedia, UnsupportedMedia)):
            made(source, "png", tmp_path)


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    """A header alone, of 2**30 by 2**30 pixels."""
    largest = 3 << 1 | (2**30 - 1) << 3
    header = largest | 1 << 33
    (tmp_path / "bomb.jxl").write_bytes(b"\xff\x0a" + header.to_bytes(16, "little"))
    with pytest.raises(SourceTooLarge):
        made(tmp_path / "bomb.jxl", "png", tmp_path)


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_size_is_told_by_the_header(size: tuple[int, int], container: bool, tmp_path: Path) -> None:
    source = saved(tmp_path / "a.jxl", Image.new("RGB", size), effort=1, use_container=container)
    assert size_of(source) == size


def test_size_is_found_behind_other_boxes(photo: Image.Image, tmp_path: Path) -> None:
    source = saved(tmp_path / "a.jxl", photo, use_container=True)
    data = source.read_bytes()
    for box in (b"\0\0\0\x0cfree1234", b"\0\0\0\x01free" + (20).to_bytes(8, "big") + b"1234"):
        source.write_bytes(data[:12] + box + data[12:])
        assert size_of(source) == (320, 240)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" * 4])
def test_what_is_none_has_no_size(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(data)
    assert size_of(tmp_path / "a") is None
