"""What a file is that cannot be processed, in words for the person who sent it."""

import codecs
from typing import Final

from services.download.raw import RAW

_KNOWN: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"%PDF-", "a PDF"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"\x1f\x8b", "compressed with gzip"),
    (0, b"(\xb5/\xfd", "compressed with Zstandard"),
    (0, b"BZh", "compressed with bzip2"),
    (0, b"\xfd7zXZ\x00", "compressed with xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\xff\xf1", "an AAC sound file"),
    (0, b"OggS", "an OGG file of an unknown codec"),
    (4, b"ftypM4P", "a protected sound file"),
    (4, b"ftypcrx ", RAW),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIU\x00", RAW),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"\x00\x00\x02\x00", "a mouse cursor"),
    (0, b"DDS ", "a DirectDraw texture"),
    (0, b"qoif", "a QOI picture"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"icns", "a macOS icon"),
    (4, b"\x11\xaf", "an Autodesk animation"),
    (4, b"\x12\xaf", "an Autodesk animation"),
    (0, b"\x01\xda", "an SGI picture"),
    (0, b"gimp xcf", "a GIMP file"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"#!", "a script"),
    (0, b"#EXTM3U", "a playlist"),
)
_PORTABLE: Final = tuple(b"P%d" % number for number in range(1, 8))


def describe(head: bytes) -> str:
    """What a file that begins with `head` is, as it may follow "the file is"."""
    for offset, magic, name in _KNOWN:
        if head[offset:].startswith(magic):
            return name
    if head.startswith(_PORTABLE) and head[2:3].isspace():
        return "a portable pixmap"
    return _describe_text(head) if is_text(head) else "of an unknown kind"


def is_text(head: bytes) -> bool:
    """Whether `head` is the beginning of a text in UTF-8 or UTF-16."""
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = codecs.getincrementaldecoder("utf-16" if wide else "utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text.lstrip("\ufeff"))


def _describe_text(head: bytes) -> str:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "an XML file" if start.startswith(b"<?xml") else "plain text"
