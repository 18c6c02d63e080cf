"""The demuxer follows from the bytes alone, and nothing that names other files is a film."""

import pytest

from services.process.video.source.container import container
from shared.errors import UnsupportedMedia

_PACKET = b"\x47" + bytes(187)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x00\x00\x00\x20ftypisom", "mov"),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", "mov"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86", "matroska"),
        (b"RIFF\x00\x10\x00\x00AVI LIST", "avi"),
        (b"FLV\x01\x05", "flv"),
        (b"OggS\x00\x02", "ogg"),
        (b"RIFF\x00\x10\x00\x00WAVEfmt ", "wav"),
        (b"ID3\x04\x00\x00", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"fLaC\x00\x00\x00\x22", "flac"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "asf"),
        (b"\x00\x00\x01\xba\x44", "mpeg"),
        (_PACKET * 4, "mpegts"),
        ((b"\x00\x00\x00\x00" + _PACKET) * 4, "mpegts"),
    ],
)
def test_a_film_is_known_by_its_first_bytes(head: bytes, expected: str) -> None:
    assert container(head.ljust(1024, b"\0")) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x47",
        b"GGGG",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b'<?xml version="1.0"?><MPD></MPD>',
        b"RIFF\x00\x10\x00\x00RMIDdata",
        b"\xff\xfeT\x00e\x00x\x00t\x00",
        b"\x89PNG\r\n\x1a\n",
        b"just some text that somebody called film.mp4",
    ],
)
def test_anything_else_is_refused(head: bytes) -> None:
    with pytest.raises(UnsupportedMedia, match="no film in a known container"):
        container(head)
