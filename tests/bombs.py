"""Small files that would take a careless reader's memory, time or secrets. Made here, byte by byte."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import av
from PIL import Image

_BLOCK_BYTES = 2**20

# Pictures ────────────────────────────────────────────────────────────────────────────────────


def png_chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(
    width: int, height: int, *more: bytes, depth: int = 8, colour: int = 2, interlaced: int = 0
) -> bytes:
    """A PNG that is black all over; `more` are chunks before the pixels."""
    samples = {0: 1, 2: 3, 6: 4}[colour]
    row = 1 + (width * samples * depth + 7) // 8
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", head),
            *more,
            png_chunk(b"IDAT", inflating(row * height)),
            png_chunk(b"IEND", b""),
        )
    )


def png_that_says(width: int, height: int) -> bytes:
    """A PNG of one pixel that claims to be larger."""
    return png(1, 1).replace(struct.pack(">II", 1, 1), struct.pack(">II", width, height))


def inflating(size: int) -> bytes:
    """A zlib stream, a thousand times shorter than the `size` zeros that it becomes."""
    whole, rest = divmod(size, _BLOCK_BYTES)
    check = struct.pack(">I", (size % 65521) << 16 | 1)  # Adler-32 of so many zeros
    return b"\x78\xda" + _deflated(_BLOCK_BYTES) * whole + _deflated(rest) + b"\x03\0" + check


def _deflated(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF with frames of one pixel each on a canvas of `width` × `height`."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00" + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0)
    return head + (frame + b"\x02\x02\x44\x01\x00") * frames + b";"


def tiff(width: int, height: int, *, loop: bool = False, strip: bytes = b"\0") -> bytes:
    """A deflated TIFF of one strip; with `loop` its directory's successor is itself."""
    tags = (
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 8),
        (262, 3, 1, 1),
        (273, 4, 1, 8 + 2 + 12 * 9 + 4),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, len(strip)),
    )
    directory = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    successor = struct.pack("<I", 8 if loop else 0)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + directory + successor + strip


def tiff_of_many(count: int) -> bytes:
    """A TIFF with as many directories."""
    one = tiff(1, 1)[8:]
    parts = [b"II*\0\x08\0\0\0"]
    for number in range(count):
        successor = struct.pack("<I", 8 + len(one) * (number + 1) if number + 1 < count else 0)
        parts.append(one[:110] + successor + one[114:])
    return b"".join(parts)


def webp(width: int, height: int) -> bytes:
    """A lossless WebP of one colour: thirty bytes, whatever its size."""
    bits = (width - 1) | (height - 1) << 14
    # No transforms, no colour cache, five prefix codes of one symbol each.
    pixels = b"\x2f" + struct.pack("<I", bits) + b"\x88\x88\x08\x00" * 2
    return _riff(b"WEBP", b"VP8L", pixels)


def webp_that_says(width: int, height: int) -> bytes:
    """An animated WebP whose canvas is larger than any frame in it."""
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return _riff(b"WEBP", b"VP8X", b"\x02\0\0\0" + size) + b"ANIM\x06\0\0\0" + bytes(6)


def _riff(form: bytes, kind: bytes, content: bytes) -> bytes:
    body = form + kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def saved(kind: str, width: int = 64, height: int = 64, **options: object) -> bytes:
    """A picture of one colour as Pillow writes it."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_that_says(width: int, height: int) -> bytes:
    small = saved("JPEG")
    return small.replace(struct.pack(">HH", 64, 64), struct.pack(">HH", height, width), 1)


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG that repeats its last scan: each costs a passage over all pixels."""
    whole = saved("JPEG", width, height, progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]


def avif_that_says(width: int, height: int) -> bytes:
    small = saved("AVIF")
    return small.replace(
        b"ispe\0\0\0\0" + struct.pack(">II", 64, 64),
        b"ispe\0\0\0\0" + struct.pack(">II", width, height),
    )


def jp2_that_says(width: int, height: int, tile: int) -> bytes:
    """A JPEG 2000 code stream that announces as many tiles as fit in."""
    small = saved("JPEG2000", no_jp2=True)
    start = small.index(b"\xff\x51") + 6
    sizes = struct.pack(">8I", width, height, 0, 0, tile, tile, 0, 0)
    return small[:start] + sizes + small[start + 32 :]


def bmp_that_says(width: int, height: int, *, run_length: bool = False) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, int(run_length), 0, 1, 1, 256, 256)
    start = 14 + len(head) + 1024
    return b"BM" + struct.pack("<IHHI", start + 2, 0, 0, start) + head + bytes(1024) + b"\0\1"


def ico_that_says(size: int) -> bytes:
    inner = png_that_says(size, size)
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(inner), 22) + inner


_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" '
_LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10)
)


def svg(content: bytes = b"", *, size: int = 64, document_type: bytes = b"") -> bytes:
    """An SVG drawing."""
    open_ = _SVG + b'width="%d" height="%d">' % (size, size)
    return b'<?xml version="1.0"?>' + document_type + open_ + content + b"</svg>"


PICTURES: dict[str, Callable[[], bytes]] = {
    "png, 60000 × 60000 declared": lambda: png_that_says(60000, 60000),
    "png, 2^31-1 × 2^31-1 declared": lambda: png_that_says(2**31 - 1, 2**31 - 1),
    "png, 1 × 2^31-1 declared": lambda: png_that_says(1, 2**31 - 1),
    "png, 10001 × 10000, black": lambda: png(10001, 10000, depth=1, colour=0),
    "png, interlaced, more than the limit": lambda: png(
        20000, 20000, depth=1, colour=0, interlaced=1
    ),
    "png, a colour profile of 1 GiB": lambda: png(
        8, 8, png_chunk(b"iCCP", b"x\0\0" + inflating(2**30))
    ),
    "png, a comment of 1 GiB": lambda: png(8, 8, png_chunk(b"zTXt", b"x\0\0" + inflating(2**30))),
    "png, a translated comment of 1 GiB": lambda: png(
        8, 8, png_chunk(b"iTXt", b"x\0\1\0\0\0" + inflating(2**30))
    ),
    "png, a million chunks": lambda: png(8, 8, png_chunk(b"teXt", b"") * 10**6),
    "png, a chunk that is longer than the file": lambda: png(8, 8)[:33] + b"\x7f\xff\xff\xffIDAT",
    "gif, 65535 × 65535 declared": lambda: gif(65535, 65535, 1),
    "gif, 100000 frames": lambda: gif(16, 16, 100_000),
    "gif, 1000 frames on 9000 × 9000": lambda: gif(9000, 9000, 1000),
    "webp, 16383 × 16383 in 30 bytes": lambda: webp(16383, 16383),
    "webp, a canvas of 16 million a side": lambda: webp_that_says(2**24, 2**24),
    "tiff, 2^31 a side declared": lambda: tiff(2**31 - 1, 2**31 - 1),
    "tiff, a strip of 1 GiB": lambda: tiff(9999, 9999, strip=inflating(2**30)),
    "tiff, more than the limit": lambda: tiff(65535, 65535, strip=inflating(2**27)),
    "tiff, a directory that follows itself": lambda: tiff(2**16, 2**16, loop=True),
    "tiff, 100000 directories": lambda: tiff_of_many(100_000),
    "jpeg, 65500 × 65500 declared": lambda: jpeg_that_says(65500, 65500),
    "jpeg, 2000 scans": lambda: jpeg_of_scans(4000, 4000, 2000),
    "avif, 65536 × 65536 declared": lambda: avif_that_says(65536, 65536),
    "jpeg 2000, 2^32 a side declared": lambda: jp2_that_says(2**32 - 1, 2**32 - 1, 2**32 - 1),
    "jpeg 2000, tiles of one pixel": lambda: jp2_that_says(9000, 9000, 1),
    "bmp, 2^31 a side declared": lambda: bmp_that_says(2**31 - 1, 2**31 - 1),
    "bmp, run lengths for 100 million pixels": lambda: bmp_that_says(10000, 10000, run_length=True),
    "icon, a png of 60000 × 60000 in it": lambda: ico_that_says(60000),
    "svg, a billion laughs": lambda: svg(
        b"<text>&l9;</text>",
        document_type=b'<!DOCTYPE svg [<!ENTITY l0 "ha">' + _LAUGHS + b"]>",
    ),
    "svg, /etc/passwd as an entity": lambda: svg(
        b"<text>&x;</text>",
        document_type=b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ),
    "svg, a picture from elsewhere": lambda: svg(b'<image x:href="http://127.0.0.1:1/x.png"/>'),
    "svg, 10^9 a side": lambda: svg(size=10**9),
    "svg, 100000 groups in each other": lambda: svg(b"<g>" * 10**5 + b"</g>" * 10**5),
}


# Archives ────────────────────────────────────────────────────────────────────────────────────


def zip_of(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photo.jpg", bytes(size))
    return buffer.getvalue()


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "zip of 64 MiB": lambda: zip_of(2**26),
    "gzip of 16 MiB": lambda: gzip.compress(bytes(2**24)),
    "zip behind a gif": lambda: gif(4, 4, 0) + zip_of(2**20),
    "svg in gzip": lambda: gzip.compress(svg(b" " * 2**22)),
}


# Films ───────────────────────────────────────────────────────────────────────────────────────


def _chunk(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def avi(
    *,
    said: int,
    frames: bytes,
    scale: int = 1,
    rate: int = 25,
    size: tuple[int, int] = (16, 16),
    streams: int = 1,
    more: bytes = b"",
) -> bytes:
    """A film in MJPEG whose header says `said` pictures, each `scale / rate` seconds long."""
    width, height = size
    main = struct.pack("<14I", 40_000, 0, 0, 16, said, 0, streams, 0, width, height, 0, 0, 0, 0)
    head = b"vidsMJPG" + struct.pack(
        "<IHHIIIIIIII4H", 0, 0, 0, 0, scale, rate, 0, said, 0, 2**32 - 1, 0, 0, 0, 16, 16
    )
    picture = struct.pack("<Iii", 40, width, height) + b"\1\0\x18\0MJPG" + bytes(20)
    stream = _chunk(b"LIST", b"strl", _chunk(b"strh", head), _chunk(b"strf", picture))
    headers = _chunk(b"LIST", b"hdrl", _chunk(b"avih", main), stream * streams, more)
    return _chunk(b"RIFF", b"AVI ", headers, _chunk(b"LIST", b"movi", frames))


def pictures(count: int) -> bytes:
    """As many small pictures for the inside of `avi`."""
    return _chunk(b"00dc", saved("JPEG", 16, 16, quality=1)) * count


def empty(count: int) -> bytes:
    """As many pictures of no bytes, which stand for the one before."""
    return b"00dc\0\0\0\0" * count


def quicktime() -> bytes:
    """A short film in MJPEG."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mov") as media:
        stream = media.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        for shade in range(0, 250, 10):
            picture = Image.new("RGB", (64, 64), (shade, 9, 9))
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            media.mux(stream.encode(frame))
        media.mux(stream.encode())
    return buffer.getvalue()


def quicktime_that_says(table: bytes, offset: int, said: int) -> bytes:
    """That film with a number of 32 bits changed, `offset` bytes behind a table's name."""
    whole = bytearray(quicktime())
    at = whole.index(table) + 4 + offset
    whole[at : at + 4] = struct.pack(">I", said)
    return bytes(whole)


def quicktime_elsewhere(address: bytes) -> bytes:
    """That film, whose pictures are said to lie in another file."""
    whole, entry = quicktime(), b"\0\0\0\x0curl \0\0\0\1"
    assert entry in whole
    longer = struct.pack(">I", 12 + len(address)) + b"url \0\0\0\0" + address
    moved = whole.replace(entry, longer)
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        at = moved.rindex(box, 0, moved.index(longer)) - 4
        (size,) = struct.unpack_from(">I", moved, at)
        moved = moved[:at] + struct.pack(">I", size + len(address)) + moved[at + 4 :]
    return moved


def gab2(playlist: bytes) -> bytes:
    """Subtitles inside an AVI, which ffmpeg reads with whatever demuxer their bytes call for."""
    name = b"s.srt\0".decode().encode("utf-16le")
    content = b"GAB2\0\2\0" + struct.pack("<I", len(name)) + name + b"\4\0"
    return _chunk(b"00tx", content + struct.pack("<I", len(playlist)) + playlist)


def subtitled(playlist: bytes) -> bytes:
    text = _chunk(
        b"LIST",
        b"strl",
        _chunk(
            b"strh",
            b"txts"
            + bytes(4)
            + struct.pack("<IHHIIIIIIII4H", 0, 0, 0, 0, 1, 25, 0, 1, 0, 0, 0, 0, 0, 0, 0),
        ),
        _chunk(b"strf", b""),
    )
    return avi(said=5, frames=pictures(5) + gab2(playlist).replace(b"00tx", b"01tx"), more=text)


_FTYP = b"\0\0\0\x18ftypisom\0\0\2\0isommp42"
_WEBM = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"

FILMS: dict[str, Callable[[], bytes]] = {
    "avi, 10^6 pictures": lambda: avi(said=10**6, frames=pictures(1) + empty(10**6 - 1)),
    "avi, 10^6 pictures in a thousand seconds": lambda: avi(
        said=10**6, rate=1000, frames=pictures(1) + empty(10**6 - 1)
    ),
    "avi, 24 hours long": lambda: avi(said=24, scale=3600, rate=1, frames=pictures(24)),
    "avi, 65535 a side declared": lambda: avi(said=5, size=(65535, 65535), frames=pictures(5)),
    "avi, a picture larger than it said": lambda: avi(
        said=1, frames=_chunk(b"00dc", jpeg_that_says(16000, 16000))
    ),
    "avi, 65 streams": lambda: avi(said=5, frames=pictures(5), streams=65),
    "avi, no picture": lambda: avi(said=5, frames=empty(5)),
    "avi, longer than the file": lambda: avi(said=5, frames=pictures(5))[:300],
    "quicktime, 2^32-1 samples": lambda: quicktime_that_says(b"stsz", 8, 2**32 - 1),
    "quicktime, 2^32-1 chunks": lambda: quicktime_that_says(b"stco", 4, 2**32 - 1),
    "quicktime, 2^32-1 tracks of times": lambda: quicktime_that_says(b"stts", 4, 2**32 - 1),
    "mp4, 10^5 empty boxes": lambda: _FTYP + b"\0\0\0\x08moov" * 10**5,
    "mp4, boxes in each other": lambda: (
        _FTYP + b"".join(struct.pack(">I", 8 * left) + b"moov" for left in range(50_000, 0, -1))
    ),
    "matroska, an element of 2^55 bytes": lambda: (
        _WEBM
        + b"\x18\x53\x80\x67"
        + b"\x01\x7f\xff\xff\xff\xff\xff\xff"
        + b"\xec\x01\x7f\xff\xff\xff\xff\xff\xff" * 9
    ),
}


def playlists(target: bytes) -> dict[str, bytes]:
    """Texts, and films, that make a careless reader open `target`."""
    hls = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n" % target
    return {
        "m3u8": hls,
        "m3u8 behind a byte order mark": b"\xef\xbb\xbf" + hls,
        "m3u8 with a key": hls.replace(
            b"#EXTINF", b'#EXT-X-KEY:METHOD=AES-128,URI="%s"\n#EXTINF' % target
        ),
        "master m3u8": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n%s\n" % target,
        "concat": b"ffconcat version 1.0\nfile '%s'\n" % target,
        "dash": b'<?xml version="1.0"?><MPD><Period><AdaptationSet><BaseURL>%s</BaseURL>'
        b"</AdaptationSet></Period></MPD>" % target,
        "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        b"m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:%s\n" % target,
        "pls": b"[playlist]\nFile1=%s\nNumberOfEntries=1\n" % target,
        "xspf": b'<?xml version="1.0"?><playlist><track><location>%s</location></track>'
        b"</playlist>" % target,
        "quicktime whose pictures are elsewhere": quicktime_elsewhere(target),
        "avi with a playlist for subtitles": subtitled(hls),
    }
