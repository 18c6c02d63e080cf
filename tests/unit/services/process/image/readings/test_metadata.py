"""What a file says about itself."""

import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, TiffImagePlugin

from services.process.image.engine import Pixels
from services.process.image.pillow.misread import stored_bits
from services.process.image.readings.metadata import Metadata

GPS = 0x8825
PIXELS = Pixels(2, 2, bytes(16))


def rational(numerator: int, denominator: int = 1) -> TiffImagePlugin.IFDRational:
    return TiffImagePlugin.IFDRational(numerator, denominator)


def photo(path: Path, place: dict[int, Any] | None = None, **tags: Any) -> Path:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker\0", "Model \x07X" + "y" * 200
    exif[0x0112] = 6
    details = exif.get_ifd(0x8769)
    details[0x9003] = tags.get("taken", "2024:05:06 07:08:09")
    if "offset" in tags:
        details[0x9011] = tags["offset"]
    if place is not None:
        exif.get_ifd(GPS).update(place)
    Image.new("RGB", (30, 20), "red").save(path, exif=exif)
    return path


LISBON = {
    1: "N",
    2: (rational(38), rational(42), rational(3600, 100)),
    3: "W",
    4: (rational(9), rational(8), rational(0)),
    6: rational(1005, 10),
}


def told(path: Path, *, gps: bool = False) -> dict[str, Any]:
    return Metadata(gps)(PIXELS, path)


def test_header_is_told_upright_and_without_the_place(tmp_path: Path) -> None:
    facts = told(photo(tmp_path / "a.jpg", LISBON))
    assert facts == {
        "width": 20,
        "height": 30,
        "format": "jpeg",
        "orientation": 6,
        "colourSpace": "rgb",
        "bitsPerChannel": 8,
        "hasAlpha": False,
        "hasProfile": False,
        "frames": 1,
        "takenAt": "2024-05-06T07:08:09",
        "cameraMake": "Maker",
        "cameraModel": ("Model X" + "y" * 200)[:100],
        "perceptualHash": "0" * 16,
    }


def test_place_is_told_on_request(tmp_path: Path) -> None:
    facts = told(photo(tmp_path / "a.jpg", LISBON), gps=True)
    assert facts["gps"] == {"latitude": 38.71, "longitude": -9.1333333, "altitude": 100.5}


@pytest.mark.parametrize(
    "place",
    [{}, {1: "N"}, {**LISBON, 2: (rational(1, 0),) * 3}, {**LISBON, 4: (rational(999),) * 3}],
)
def test_place_that_is_none_is_left_out(place: dict[int, Any], tmp_path: Path) -> None:
    assert "gps" not in told(photo(tmp_path / "a.jpg", place), gps=True)


def test_time_zone_is_told_where_the_camera_wrote_it(tmp_path: Path) -> None:
    assert told(photo(tmp_path / "a.jpg", offset="+02:00"))["takenAt"].endswith("07:08:09+02:00")


def test_date_that_is_none_is_left_out(tmp_path: Path) -> None:
    assert "takenAt" not in told(photo(tmp_path / "a.jpg", taken="0000:00:00 00:00:00"))


@pytest.mark.parametrize(
    ("mode", "kind", "expected"),
    [
        ("LA", "png", {"colourSpace": "grey", "hasAlpha": True, "bitsPerChannel": 8}),
        ("I;16", "png", {"colourSpace": "grey", "hasAlpha": False, "bitsPerChannel": 16}),
        ("CMYK", "tiff", {"colourSpace": "cmyk", "bitsPerChannel": 8, "format": "tiff"}),
        ("1", "png", {"bitsPerChannel": 1}),
    ],
)
def test_pixels_are_told_as_they_are_stored(
    mode: str, kind: str, expected: dict[str, Any], tmp_path: Path
) -> None:
    Image.new(mode, (3, 2)).save(tmp_path / f"a.{kind}")
    assert expected.items() <= told(tmp_path / f"a.{kind}").items()


def test_bits_of_a_pixel_are_not_taken_for_those_of_a_colour(tmp_path: Path) -> None:
    """A bitmap of 5 bits a colour; and a PNG whose pixels are read already."""
    Image.init()  # as engines do: formats that are not loaded are none
    head = struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 16, 0, 4, 0, 0, 0, 0)
    bitmap = b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + head + bytes(4)
    (tmp_path / "a.bmp").write_bytes(bitmap)
    assert told(tmp_path / "a.bmp")["bitsPerChannel"] == 8
    Image.new("I;16", (3, 2)).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert stored_bits(image) == 16
        image.load()
        assert stored_bits(image) is None


def test_animation_tells_its_frames(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert told(tmp_path / "a.gif")["frames"] == 3


def test_file_without_a_header_has_its_hash_alone(tmp_path: Path) -> None:
    drawing = tmp_path / "a.svg"
    drawing.write_text("<svg/>")
    assert told(drawing) == {"perceptualHash": "0" * 16}
