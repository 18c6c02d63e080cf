"""Real files of every kind, made by the encoders that people use, and files that are none."""

import io
import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image, TiffImagePlugin

from services.download.sniff import recognise, sniff
from shared.errors import CorruptMedia, UnsupportedMedia
from tests.conftest import CORPUS, ROOT

EXAMPLES = ROOT / "examples"

PICTURES = [
    ("JPEG", "image/jpeg", "jpg"),
    ("MPO", "image/jpeg", "jpg"),
    ("PNG", "image/png", "png"),
    ("GIF", "image/gif", "gif"),
    ("WEBP", "image/webp", "webp"),
    ("AVIF", "image/avif", "avif"),
    ("BMP", "image/bmp", "bmp"),
    ("TIFF", "image/tiff", "tiff"),
    ("ICO", "image/vnd.microsoft.icon", "ico"),
    ("JPEG2000", "image/jp2", "jp2"),
]

FILMS = [
    ("mp4", ["-c", "copy"], "video/mp4", "mp4"),
    ("mov", ["-c", "copy"], "video/quicktime", "mov"),
    ("ipod", ["-c", "copy"], "video/x-m4v", "m4v"),
    ("3gp", ["-c", "copy"], "video/3gpp", "3gp"),
    ("3g2", ["-c", "copy"], "video/3gpp2", "3g2"),
    ("matroska", ["-c", "copy"], "video/x-matroska", "mkv"),
    ("avi", ["-c:v", "mpeg4", "-an"], "video/x-msvideo", "avi"),
    ("mpegts", ["-c", "copy"], "video/mp2t", "ts"),
    ("mpegts", ["-c", "copy", "-mpegts_m2ts_mode", "1"], "video/mp2t", "ts"),
    ("vob", ["-c:v", "mpeg2video", "-an"], "video/mpeg", "mpg"),
    ("mpeg", ["-c:v", "mpeg1video", "-an"], "video/mpeg", "mpg"),
    ("flv", ["-c", "copy"], "video/x-flv", "flv"),
    ("webm", ["-c:v", "libvpx", "-deadline", "realtime", "-an"], "video/webm", "webm"),
    ("ogg", ["-c:v", "libtheora", "-an"], "video/ogg", "ogv"),
    # Films without pictures.
    ("wav", ["-vn"], "audio/wav", "wav"),
    ("mp3", ["-vn"], "audio/mpeg", "mp3"),
    ("mp3", ["-vn", "-id3v2_version", "0", "-write_xing", "0"], "audio/mpeg", "mp3"),
    ("mp3", ["-vn", "-id3v2_version", "0", "-ar", "22050", "-ac", "1"], "audio/mpeg", "mp3"),
    ("flac", ["-vn"], "audio/flac", "flac"),
    ("ogg", ["-vn", "-c:a", "libvorbis"], "audio/ogg", "ogg"),
    ("ogg", ["-vn", "-c:a", "libopus", "-ac", "2"], "audio/ogg", "ogg"),
    ("ipod", ["-vn", "-c:a", "copy"], "audio/mp4", "m4a"),
]

TEXTS = [
    (b"Just a text, called photo.jpg.\n", "plain text"),
    ("Grüße\n".encode(), "plain text"),
    ("Grüße\n".encode("utf-16"), "plain text"),
    (b"BM is how this text begins, and it is no bitmap at all.", "plain text"),
    (b"G" * 188 * 8, "plain text"),
    (b"GOP, 47 times: " + b"G" * 600, "plain text"),
    (b"<?xml version='1.0'?><html><svg/></html>", "an XML file"),
    (b"<!DOCTYPE html><title>Sign in</title>", "a web page"),
    (b"\xef\xbb\xbf <html>", "a web page"),
    (b"<?xml version='1.0'?><feed/>", "an XML file"),
    (b"#EXTM3U\nfile:///etc/passwd\n", "a playlist"),
    (b"#!/bin/sh\n", "a script"),
    (b"%PDF-1.7\n", "a PDF"),
    (b"%!PS-Adobe-3.0", "a PostScript file"),
    (b"\x1f\x8b\x08\x00", "compressed with gzip"),
    (b"PK\x03\x04\x14\x00", "a ZIP archive or an office document"),
    (b"P6\n2 2\n255\n" + bytes(12), "a portable pixmap"),
    (b"\x00" * 9000, "of an unknown kind"),
    (b"\x00\x00\x01\x00" + b"\x00" * 60, "of an unknown kind"),
    (b"\x00\x00\x02\x00\x01\x00", "a mouse cursor"),
    (b"RIFF\x00\x00\x00\x00", "of an unknown kind"),
    (b"\x1a\x45\xdf\xa3", "of an unknown kind"),
    (b"\x1a\x45\xdf\xa3\xff\xff\xff\xff\xff\xff\xff\xff", "of an unknown kind"),
    (b"\x1a\x45\xdf\xa3\x87\x42\x82\x84none", "of an unknown kind"),
    (b"\x1a\x45\xdf\xa3" + b"\x00" * 50, "of an unknown kind"),
    (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "a camera's raw photo"),
    (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "a camera's raw photo"),
    (b"\x00\x00\x01\xba\xff\xff\xff\xff\xff\xff\xff\xff", "of an unknown kind"),
    (b"\x00\x00\x00\x08ftyp", "of an unknown kind"),
    (b"the moov is no box, though the word stands in its place", "plain text"),
]

BRANDS = [
    ("avif", "mif1", "image/avif"),
    ("avis", "avif|msf1", "image/avif"),
    ("mif1", "avif|mif1|miaf", "image/avif"),
    ("mif1", "mif1|heic", "image/heic"),
    ("heic", "mif1|heic", "image/heic"),
    ("heix", "mif1", "image/heic"),
    ("hevc", "msf1", "image/heic"),
    ("msf1", "hevc", "image/heic"),
    ("mif1", "mif1|jpeg", "image/heif"),
    ("mif1", "", "image/heif"),
    ("isom", "isom|iso2|avc1|mp41", "video/mp4"),
    ("mp42", "mp42|isom", "video/mp4"),
    ("isom", "avif", "video/mp4"),
    ("dash", "iso6", "video/mp4"),
    ("XAVC", "XAVC|mp42", "video/mp4"),
    ("nvr1", "isom", "video/mp4"),
    ("nvr1", "none", "video/mp4"),
    ("nvr1", "qt  ", "video/quicktime"),
    ("qt  ", "qt  ", "video/quicktime"),
    ("M4V ", "M4V |mp42", "video/x-m4v"),
    ("3gp5", "isom|3gp5", "video/3gpp"),
    ("3g2a", "3g2a", "video/3gpp2"),
]


@pytest.fixture
def ffmpeg(tmp_path: Path) -> "Ffmpeg":
    return Ffmpeg(tmp_path)


class Ffmpeg:
    """Makes short films and sounds of `bunny.mp4` in other containers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, container: str, options: list[str]) -> Path:
        target = self._folder / "film.of-no-kind"
        source = str(EXAMPLES / "bunny.mp4")
        shrink = [] if "copy" in options or "-vn" in options else ["-vf", "scale=160:-2"]
        start = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-t", "0.5", "-i", source]
        command = [*start, *options, *shrink, "-f", container, str(target)]
        subprocess.run(command, check=True, timeout=60)
        return target


@pytest.mark.parametrize(("name", "media_type", "ext"), PICTURES)
def test_pictures(tmp_path: Path, name: str, media_type: str, ext: str) -> None:
    path = tmp_path / "called.txt"
    Image.new("RGB", (64, 48), "teal").save(path, name)
    media = sniff(path, called="called.txt")
    assert (media.media_type, media.ext, media.kind) == (media_type, ext, "image")


def test_a_bare_jpeg_2000_codestream() -> None:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG2000", no_jp2=True)
    media = recognise(buffer.getvalue(), len(buffer.getvalue()))
    assert media
    assert media.media_type == "image/j2c"


@pytest.mark.parametrize("magic", [b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"])
def test_jpeg_xl(magic: bytes) -> None:
    media = recognise(magic + bytes(40), 52)
    assert media
    assert media.media_type == "image/jxl"


@pytest.mark.parametrize("magic", [b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"])
def test_tiff_in_all_its_forms(magic: bytes) -> None:
    media = recognise(magic + bytes(12), 16)
    assert media
    assert media.media_type == "image/tiff"


@pytest.mark.parametrize(("container", "options", "media_type", "ext"), FILMS)
def test_films(
    ffmpeg: "Ffmpeg", container: str, options: list[str], media_type: str, ext: str
) -> None:
    media = sniff(ffmpeg.make(container, options), called="film.jpg")
    assert (media.media_type, media.ext, media.kind) == (media_type, ext, "video")


def test_sound_without_a_container_is_named(ffmpeg: "Ffmpeg") -> None:
    with pytest.raises(UnsupportedMedia, match="is an AAC sound file"):
        sniff(ffmpeg.make("adts", ["-vn", "-c:a", "copy"]), called="film.mp4")


@pytest.mark.parametrize("head", [b"\xff\xfb" + bytes(2000), b"\xff\xfeT\x00" * 500])
def test_a_frame_alone_is_no_mp3(head: bytes) -> None:
    assert recognise(head, len(head)) is None


@pytest.mark.parametrize("box", [b"moov", b"mdat", b"wide", b"free", b"skip"])
def test_quicktime_of_the_time_before_brands(box: bytes) -> None:
    head = struct.pack(">I4s", 32, box) + bytes(24)
    media = recognise(head, 32)
    assert media
    assert media.media_type == "video/quicktime"
    assert recognise(head, 31) is None


@pytest.mark.parametrize(("major", "compatible", "media_type"), BRANDS)
def test_brands(major: str, compatible: str, media_type: str) -> None:
    listed = compatible.replace("|", "")
    box = struct.pack(">I", 16 + len(listed)) + f"ftyp{major}\0\0\0\0{listed}".encode()
    media = recognise(box + bytes(100), 1000)
    assert media
    assert media.media_type == media_type


@pytest.mark.parametrize(("content", "name"), TEXTS)
def test_what_is_none_of_these_is_named(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / "original"
    path.write_bytes(content)
    with pytest.raises(UnsupportedMedia) as caught:
        sniff(path, called="https://example.com/a/my%20photo.jpg?x=y/z.png#f")
    assert str(caught.value) == (
        f"source: my photo.jpg is {name}, not a photo, film or sound that can be processed"
    )


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.touch()
    with pytest.raises(CorruptMedia, match=r"^source: photo\.jpg is empty$"):
        sniff(path, called="file:///photo.jpg")


def test_a_name_cannot_spoil_the_sentence(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.touch()
    with pytest.raises(CorruptMedia) as caught:
        sniff(path, called="https://example.com/%0A%1B%5B31m" + "x" * 5000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["mountains.jpg", "bunny.mp4"])
@pytest.mark.parametrize("length", range(1, 40))
def test_no_beginning_of_a_file_is_too_short_to_look_at(name: str, length: int) -> None:
    head = (EXAMPLES / name).read_bytes()[:length]
    recognise(head, length)


EXPECTED = {
    ".apng": "image/png",
    ".avif": "image/avif",
    ".avifs": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".heif": "image/heic",
    ".ico": "image/vnd.microsoft.icon",
    ".j2k": "image/j2c",
    ".jp2": "image/jp2",
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".mpo": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
# Their names say otherwise: a JP2 container called .j2k.
MISNAMED = {"crash-7d4c83eb92150fb8f1653a697703ae06ae7c4998.j2k": "image/jp2"}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
def test_the_whole_corpus() -> None:
    misjudged = []
    for path in sorted(CORPUS.rglob("*.*")):
        expected = MISNAMED.get(path.name, EXPECTED.get(path.suffix))
        media = recognise(path.read_bytes()[:8192], path.stat().st_size)
        if (media and media.media_type) != expected:
            misjudged.append((str(path.relative_to(CORPUS)), expected, media))
    assert misjudged == []


@pytest.mark.parametrize(
    "text",
    [
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"\xef\xbb\xbf <svg onload='x'>",
        b"<!-- drawn by hand --><svg/>",
        b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'><svg/>",
    ],
)
def test_drawings_are_recognised(text: bytes) -> None:
    media = recognise(text, len(text))
    assert media is not None
    assert (media.media_type, media.ext, media.kind) == ("image/svg+xml", "svg", "image")


@pytest.mark.parametrize(
    ("tags", "raw"),
    [
        ({0xC612: b"\x01\x04\x00\x00"}, True),
        ({0x010F: "NIKON CORPORATION", 0x014A: 8}, True),
        ({0x010F: "NIKON CORPORATION"}, False),
        ({0x014A: 8}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("prefix", [b"II", b"MM"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("side", [20, 300])  # the directory within the first bytes, and far behind
def test_raw_photos_in_tiff_are_refused_by_name(
    tags: dict[int, object], raw: bool, prefix: bytes, big: bool, side: int, tmp_path: Path
) -> None:
    directory = TiffImagePlugin.ImageFileDirectory_v2(
        ifh=prefix + (b"*\0" if prefix == b"II" else b"\0*") + bytes(4)
    )
    directory.tagtype[0xC612] = 1
    directory.tagtype[0x014A] = 4
    for tag, value in tags.items():
        directory[tag] = value
    path = tmp_path / "photo.tif"
    Image.new("RGB", (side, side)).save(path, tiffinfo=directory, big_tiff=big)
    if side > 100:
        put_directory_behind(path)
    if not raw:
        assert sniff(path, "photo.tif").ext == "tiff"
    else:
        with pytest.raises(UnsupportedMedia, match="is a camera's raw photo"):
            sniff(path, "photo.nef")


def put_directory_behind(path: Path) -> None:
    """As cameras write it: Pillow puts it before the pixels."""
    file = path.read_bytes()
    order = "<" if file.startswith(b"II") else ">"
    big = b"+" in file[:4]
    at, form = (8, "Q") if big else (4, "I")
    (start,) = struct.unpack_from(order + form, file, at)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), file, start)
    length = (8 if big else 2) + count * (20 if big else 12) + (8 if big else 4)
    moved = struct.pack(order + form, len(file))
    path.write_bytes(file[:at] + moved + file[at + len(moved) :] + file[start : start + length])


@pytest.mark.parametrize("start", [4, 60, 2**32 - 1])
def test_tiff_whose_directory_is_nonsense_is_left_to_decoders(start: int, tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", start) + b"\xff" * 60)
    assert sniff(path, "photo.tif").ext == "tiff"


# ext4 goes to no place from 16 TiB on.
@pytest.mark.parametrize("start", [2**64 - 1, 2**63 - 1, 2**63, 2**44])
@pytest.mark.parametrize("order", ["<", ">"])
def test_big_tiff_whose_directory_is_beyond_all_files_is_left_to_decoders(
    start: int, order: str, tmp_path: Path
) -> None:
    path = tmp_path / "photo.tif"
    magic = b"II+\0" if order == "<" else b"MM\0+"
    path.write_bytes(magic + struct.pack(order + "HHQ", 8, 0, start) + bytes(100))
    assert sniff(path, "photo.tif").ext == "tiff"


def test_big_tiff_whose_maker_is_told_beyond_all_files_is_left_to_decoders(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    head = b"II+\0" + struct.pack("<HHQ", 8, 0, 16)
    entries = struct.pack("<HHQQ", 0x010F, 2, 32, 2**63 - 1) + struct.pack("<HHQQ", 0x14A, 4, 1, 0)
    path.write_bytes(head + struct.pack("<Q", 2) + entries + bytes(8))
    assert sniff(path, "photo.tif").ext == "tiff"
