"""What of a source's EXIF outputs carry: told names and places only to those who ask for all."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from services.process.image.engine import Format, Limits, Metadata, Target
from services.process.image.pillow import codecs
from services.process.image.pillow.engine import Pillow
from services.process.image.source.exif import orientation_of, taken_over
from services.process.image.source.header import header
from services.process.image.vips.engine import Vips
from shared.errors import CorruptMedia

Tag = ExifTags.Base
DETAILS, GPS = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo

NAMES: dict[int, object] = {
    Tag.Artist: "SECRET artist",
    Tag.ImageDescription: "SECRET description",
    Tag.Copyright: "SECRET owner of rights",
    Tag.XPComment: "SECRET comment".encode("utf-16le"),
}
BLOCKS: dict[int, bytes] = {
    Tag.XMLPacket: b"<x:xmpmeta>SECRET place</x:xmpmeta>",
    Tag.IPTCNAA: b"\x1c\x02\x5a\x00\x0bSECRET city",
    Tag.ImageResources: b"8BIM SECRET resources",
}
CAMERA: dict[int, object] = {Tag.Make: "A maker", Tag.Model: "A camera", Tag.Software: "1.0"}
HIDDEN_DETAILS: dict[int, object] = {
    Tag.UserComment: b"ASCII\0\0\0SECRET remark",
    Tag.MakerNote: b"SECRET note",
    Tag.CameraOwnerName: "SECRET name",
    Tag.BodySerialNumber: "SECRET number",
    Tag.ImageUniqueID: "SECRET id",
}


MAIN_OF_EXIF = "Make Model Software DateTime"
MAIN_OF_ALL = (
    "ImageDescription Artist Copyright HostComputer DocumentName"
    " XPTitle XPComment XPAuthor XPKeywords XPSubject"
)
DETAILS_OF_EXIF = """
    ExifVersion DateTimeOriginal DateTimeDigitized OffsetTime OffsetTimeOriginal
    OffsetTimeDigitized SubsecTime SubsecTimeOriginal SubsecTimeDigitized
    ExposureTime FNumber ExposureProgram ExposureMode ExposureBiasValue ExposureIndex
    ShutterSpeedValue ApertureValue MaxApertureValue BrightnessValue MeteringMode
    ISOSpeedRatings SensitivityType StandardOutputSensitivity RecommendedExposureIndex ISOSpeed
    GainControl LightSource Flash WhiteBalance Contrast Saturation Sharpness
    SceneCaptureType SensingMethod SubjectDistance SubjectDistanceRange DigitalZoomRatio
    FocalLength FocalLengthIn35mmFilm LensSpecification LensMake LensModel
"""
OF_THE_PIXELS = "ExifImageWidth ExifImageHeight ColorSpace ExifInteroperabilityOffset"


@pytest.fixture(params=["jpg", "tif"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A picture that tells all it can."""
    exif = Image.Exif()
    exif.update({**NAMES, **BLOCKS, **CAMERA, Tag.Orientation: 6})
    details: dict[int, object] = {
        **HIDDEN_DETAILS,
        Tag.FNumber: 2.8,
        Tag.ColorSpace: 1,
        Tag.ExifImageWidth: 60,
    }
    for place, tags in ((DETAILS, details), (GPS, {1: "N", 2: (48.0, 51.0, 30.0)})):
        exif.get_ifd(place).update(tags)
        exif[place] = tags  # TIFF takes both
    path = tmp_path / f"tagged.{request.param}"
    Image.new("RGB", (60, 40), "red").save(path, exif=exif)
    return path


def carried(source: Path, wanted: Metadata) -> tuple[bytes, Image.Exif]:
    data = taken_over(source, wanted)
    exif = Image.Exif()
    exif.load(data)
    return data, exif


def tells_a_secret(data: bytes) -> bool:
    return b"SECRET" in data or "SECRET".encode("utf-16le") in data


def test_exif_is_the_camera_and_how_it_was_set(source: Path) -> None:
    data, exif = carried(source, "exif")
    assert {tag: exif[tag] for tag in CAMERA} == CAMERA
    assert set(exif) == {*CAMERA, DETAILS}
    assert dict(exif.get_ifd(DETAILS)) == {Tag.FNumber: 2.8}
    assert not tells_a_secret(data)


def test_all_is_all_that_says_something_of_the_photo(source: Path) -> None:
    data, exif = carried(source, "all")
    assert set(exif) == {*NAMES, *CAMERA, DETAILS, GPS}
    assert exif.get_ifd(GPS)[1] == "N"
    assert set(exif.get_ifd(DETAILS)) == {*HIDDEN_DETAILS, Tag.FNumber}
    assert not any(block in data for block in BLOCKS.values())


def test_of_all_tags_that_there_are_only_those_that_are_listed_come_along(tmp_path: Path) -> None:
    every = dict.fromkeys(set(map(int, Tag)) - {DETAILS, GPS}, 1)
    exif = Image.Exif()
    exif.update(every)
    exif[DETAILS] = every
    Image.new("RGB", (60, 40)).save(tmp_path / "all.jpg", exif=exif)
    _, some = carried(tmp_path / "all.jpg", "exif")
    assert set(some) == {*tags(MAIN_OF_EXIF), DETAILS}
    assert set(some.get_ifd(DETAILS)) == tags(DETAILS_OF_EXIF)
    _, most = carried(tmp_path / "all.jpg", "all")
    assert set(most) == {*tags(MAIN_OF_EXIF), *tags(MAIN_OF_ALL), DETAILS}
    assert set(most.get_ifd(DETAILS)) == set(every) - tags(OF_THE_PIXELS)
    assert carried(tmp_path / "all.jpg", "none")[0] == b""


def tags(names: str) -> set[int]:
    return {Tag.__members__[name] for name in names.split()}


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_an_orientation_in_xmp_counts_as_none(kind: str, tmp_path: Path) -> None:
    xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", xmp)
    Image.new("RGB", (60, 40)).save(tmp_path / "a", kind, pnginfo=texts, xmp=xmp.encode())
    with Image.open(tmp_path / "a") as image:
        assert image.getexif()[Tag.Orientation] == 6  # Pillow's own answer
    with Image.open(tmp_path / "a") as image:
        assert orientation_of(image) == 1


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg", "png"])
@pytest.mark.parametrize("library", [Pillow, Vips])
def test_no_output_tells_what_was_left_out(
    library: type[Pillow | Vips], kind: Format, tmp_path: Path, source: Path
) -> None:
    if library is Vips and source.suffix == ".tif":
        pytest.skip("libvips opens no TIFF but deep grey ones")
    target = Target("a", kind, metadata="exif")
    library(Limits(pixels=10**6)).render(source, [target], tmp_path)
    data = (tmp_path / target.file).read_bytes()
    assert b"A camera" in data or kind == "png"
    assert not tells_a_secret(data)
    with Image.open(tmp_path / target.file) as image:
        assert image.getexif()[Tag.Model] == "A camera"
        assert GPS not in image.getexif()


def test_a_plain_tiff_has_nothing_to_tell(tmp_path: Path) -> None:
    """Its tags are of its own pixels alone."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    Image.new("RGB", (60, 40), "red").save(tmp_path / "a.tif", tiffinfo=tags)
    assert taken_over(tmp_path / "a.tif", "exif") == b""
    assert taken_over(tmp_path / "a.tif", "all") == b""


def digits_that_are_none() -> PngImagePlugin.PngInfo:
    told = PngImagePlugin.PngInfo()
    told.add_text("Raw profile type exif", "\nexif\n 4\nno digits")
    return told


DAMAGED: dict[str, dict[str, Any]] = {
    "no-tiff": {"exif": b"Exif\0\0nonsense"},
    "breaks-off": {"exif": b"Exif\0\0MM\0*\0\0"},
    "no-digits": {"pnginfo": digits_that_are_none()},
    "no-orientation": {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x63" + bytes(6)},
}


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
@pytest.mark.parametrize("saved", DAMAGED.values(), ids=DAMAGED)
def test_damaged_exif_counts_as_none(saved: dict[str, Any], kind: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    Image.new("RGB", (6, 4)).save(source, kind, **saved)
    assert taken_over(source, "all") == b""
    told = header(source, gps=True)
    assert (told["width"], told["height"], told["orientation"]) == (6, 4, 1)
    Pillow(Limits(pixels=10**6)).render(source, [Target("made", "png")], tmp_path)


def test_what_cannot_be_written_again_is_left_away(tmp_path: Path) -> None:
    """A latitude that is no fractions, but bytes of any meaning."""
    exif = Image.Exif()
    exif[GPS] = {2: (48.0, 51.0, 30.0)}
    fractions, anything = b"\0\2\0\5\0\0\0\3", b"\0\2\0\7\0\0\0\x18"
    assert fractions in exif.tobytes()
    odd = exif.tobytes().replace(fractions, anything)
    Image.new("RGB", (6, 4)).save(tmp_path / "odd.webp", exif=odd)
    assert taken_over(tmp_path / "odd.webp", "all") == b""


def test_damage_to_the_pixels_is_not_taken_for_damage_to_exif(tmp_path: Path) -> None:
    """Pillow decodes a PNG to look for EXIF behind its pixels."""
    source = tmp_path / "damaged.png"
    Image.effect_noise((300, 200), 90).save(source)
    data = bytearray(source.read_bytes())
    data[len(data) // 2] ^= 255
    source.write_bytes(data)
    with pytest.raises(CorruptMedia):
        Pillow(Limits(pixels=10**6)).render(source, [Target("made", "png")], tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("wanted", ["exif", "all"])
def test_every_damage_to_exif_is_borne(wanted: Metadata, tmp_path: Path) -> None:
    told = Image.Exif()
    told.update({**CAMERA, Tag.Orientation: 6})
    told[DETAILS] = {Tag.FNumber: 2.8, Tag.LensSpecification: (1.0, 2.0, 3.0, 4.0)}
    told[GPS] = {1: "N", 2: (48.0, 51.0, 30.0)}
    whole = told.tobytes()
    random = Random(wanted)
    for _ in range(300):
        exif = bytearray(whole)
        for _ in range(random.choice((1, 4))):
            exif[random.randrange(6, len(exif))] = random.choice((0, 1, 255, random.randrange(256)))
        Image.new("RGB", (6, 4)).save(tmp_path / "a.webp", exif=bytes(exif))
        taken_over(tmp_path / "a.webp", wanted)
        assert header(tmp_path / "a.webp", gps=True)["orientation"] in range(1, 9)


def test_a_file_that_pillow_does_not_open_has_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "drawing").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    bomb = PngImagePlugin.PngInfo()
    bomb.add_text("text", "x" * 2**21, zip=True)
    Image.new("RGB", (6, 4)).save(tmp_path / "bomb", "PNG", pnginfo=bomb)
    for name in ("drawing", "bomb"):
        assert taken_over(tmp_path / name, "all") == b""
        assert header(tmp_path / name, gps=True) == {}


def test_no_other_formats_are_opened(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "READS", ("PNG",))
    assert taken_over(source, "all") == b""
