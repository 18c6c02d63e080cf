"""Which demuxer reads a file, found by its first bytes: neither names nor headers are believed.

ffmpeg is always told one of these. Left to guess, it would take a playlist or a script for a
film and open whatever they name.
"""

from shared.errors import UnsupportedMedia

HEAD_BYTES = 1024

_MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MAGIC = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"FLV\x01": "flv",
    b"OggS": "ogg",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"\x00\x00\x01\xba": "mpeg",
    b"ID3": "mp3",
    b"fLaC": "flac",
}
# Frames of MPEG 1, 2 and 2.5, layer III, with a checksum and without.
_MP3 = tuple(bytes((0xFF, second)) for second in (0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3))
_TS_PACKET_BYTES = {0: 188, 4: 192}  # where the first sync byte is → the distance to the next


def container(head: bytes) -> str:
    """The demuxer, by ffmpeg's name, for a file that begins with `head` (`HEAD_BYTES` of it).

    Raises:
        UnsupportedMedia: none of those that are allowed.
    """
    if head[4:8] in _MOV_ATOMS:
        return "mov"
    if head.startswith(b"RIFF") and head[8:11] == b"AVI":
        return "avi"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(_MP3):
        return "mp3"
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if any(_is_transport_stream(head, *packing) for packing in _TS_PACKET_BYTES.items()):
        return "mpegts"
    raise UnsupportedMedia(
        "The file is no film in a known container"
        " (MP4, QuickTime, WebM, Matroska, AVI, MPEG, FLV, ASF, Ogg; MP3, FLAC, wave)."
    )


def _is_transport_stream(head: bytes, first: int, distance: int) -> bool:
    marks = head[first::distance][:4]
    return len(marks) == 4 and set(marks) == {0x47}
