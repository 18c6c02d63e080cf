"""The kinds of media that can be processed, and those that their first bytes give away."""

from dataclasses import dataclass
from typing import Final

from shared.jobs import Kind


@dataclass(frozen=True, slots=True)
class Media:
    """A kind of media: its registered type, its usual extension, photo or film.

    Sound counts as a film without pictures.
    """

    media_type: str
    ext: str
    kind: Kind


JPEG: Final = Media("image/jpeg", "jpg", "image")
PNG: Final = Media("image/png", "png", "image")
GIF: Final = Media("image/gif", "gif", "image")
WEBP: Final = Media("image/webp", "webp", "image")
AVIF: Final = Media("image/avif", "avif", "image")
HEIC: Final = Media("image/heic", "heic", "image")
HEIF: Final = Media("image/heif", "heif", "image")
BMP: Final = Media("image/bmp", "bmp", "image")
TIFF: Final = Media("image/tiff", "tiff", "image")
ICO: Final = Media("image/vnd.microsoft.icon", "ico", "image")
JP2: Final = Media("image/jp2", "jp2", "image")
J2K: Final = Media("image/j2c", "j2k", "image")
JXL: Final = Media("image/jxl", "jxl", "image")
SVG: Final = Media("image/svg+xml", "svg", "image")

MP4: Final = Media("video/mp4", "mp4", "video")
QUICKTIME: Final = Media("video/quicktime", "mov", "video")
M4V: Final = Media("video/x-m4v", "m4v", "video")
GPP: Final = Media("video/3gpp", "3gp", "video")
GPP2: Final = Media("video/3gpp2", "3g2", "video")
WEBM: Final = Media("video/webm", "webm", "video")
MATROSKA: Final = Media("video/x-matroska", "mkv", "video")
AVI: Final = Media("video/x-msvideo", "avi", "video")
MPEG_TS: Final = Media("video/mp2t", "ts", "video")
MPEG_PS: Final = Media("video/mpeg", "mpg", "video")
FLV: Final = Media("video/x-flv", "flv", "video")
OGG: Final = Media("video/ogg", "ogv", "video")

M4A: Final = Media("audio/mp4", "m4a", "video")
MP3: Final = Media("audio/mpeg", "mp3", "video")
FLAC: Final = Media("audio/flac", "flac", "video")
WAV: Final = Media("audio/wav", "wav", "video")
OGG_SOUND: Final = Media("audio/ogg", "ogg", "video")

MAGIC: Final[tuple[tuple[bytes, Media], ...]] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"\xff\x4f\xff\x51", J2K),
    (b"\xff\x0a", JXL),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", JXL),
    (b"FLV\x01", FLV),
    (b"ID3", MP3),
    (b"fLaC", FLAC),
)
