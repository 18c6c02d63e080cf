"""What animations show, by another path than the engines': their specifications, written out.

GIF89a with its LZW as browsers show it: what is cleared becomes transparent. APNG as PNG's third
edition has it (13.2), composited in floating point. Others are left to other libraries than the
engines use: WebP to libvips, AVIF to ffmpeg.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pyvips
from av.video.reformatter import ColorRange
from PIL import Image

Canvas = npt.NDArray[np.float64]
_Part = tuple[Canvas, int, int, bool, int]  # pixels, left, top, laid over, disposal as in APNG
_PNG = b"\x89PNG\r\n\x1a\n"


@lru_cache(maxsize=4)
def all_frames(source: Path) -> list[Canvas]:
    """Each frame of the animation, rows of RGBA, 0 to 255."""
    head = source.read_bytes()[:12]
    reader: Callable[[Path], list[Canvas]] = _by_ffmpeg
    if head.startswith(b"GIF8"):
        reader = _gif
    elif head.startswith(_PNG):
        reader = _apng
    elif head.startswith(b"RIFF"):
        reader = _by_libvips
    return [np.rint(frame) for frame in reader(source)]


def unlike(frames: list[Canvas]) -> list[Canvas]:
    """Without those that look like the one before."""
    kept = frames[:1]
    for frame in frames[1:]:
        if differs(frame, kept[-1]):
            kept.append(frame)
    return kept


def differs(one: Canvas, other: Canvas) -> float:
    """How much at most: in colours as far as they are seen, and in alpha."""
    return max(
        float(np.abs(seen(one) - seen(other)).max()),
        float(np.abs(one[..., 3] - other[..., 3]).max()),
    )


def seen(frame: Canvas) -> Canvas:
    """The colours, premultiplied."""
    return frame[..., :3] * frame[..., 3:] / 255


def _composed(size: tuple[int, int], parts: Iterator[_Part]) -> list[Canvas]:
    width, height = size
    canvas, frames = np.zeros((height, width, 4)), []
    for pixels, left, top, over, disposal in parts:
        before = canvas.copy()
        place = canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        shown = pixels[: place.shape[0], : place.shape[1]]
        place[:] = _over(shown, place) if over else shown
        frames.append(canvas.copy())
        if disposal == 1:
            place[:] = 0
        elif disposal == 2:
            canvas = before
    return frames


def _over(above: Canvas, below: Canvas) -> Canvas:
    high, low = above[..., 3:] / 255, below[..., 3:] / 255
    alpha = high + low * (1 - high)
    mixed = above[..., :3] * high + below[..., :3] * low * (1 - high)
    colours = np.divide(mixed, alpha, out=np.zeros_like(mixed), where=alpha > 0)
    return np.concatenate([colours, alpha * 255], axis=2)


def _apng(source: Path) -> list[Canvas]:
    chunks = list(_chunks(source.read_bytes()))
    if b"fcTL" not in dict(chunks):
        with Image.open(source) as still:
            return [_eight_bit(still)]
    header = chunks[0][1]
    shared = [(kind, body) for kind, body in chunks if kind in (b"PLTE", b"tRNS")]
    return _composed(struct.unpack(">II", header[:8]), _apng_parts(chunks, header, shared))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += length + 12


def _apng_parts(
    chunks: list[tuple[bytes, bytes]], header: bytes, shared: list[tuple[bytes, bytes]]
) -> Iterator[_Part]:
    marks = [number for number, (kind, _) in enumerate(chunks) if kind == b"fcTL"]
    for begin, end in pairwise([*marks, len(chunks)]):
        _, width, height, left, top, _, _, disposal, blend = struct.unpack(
            ">IIIIIHHBB", chunks[begin][1]
        )
        data = b"".join(
            body[4:] if kind == b"fdAT" else body
            for kind, body in chunks[begin:end]
            if kind in (b"IDAT", b"fdAT")
        )
        alone = [(b"IHDR", struct.pack(">II", width, height) + header[8:]), *shared]
        with Image.open(io.BytesIO(_png([*alone, (b"IDAT", data), (b"IEND", b"")]))) as image:
            pixels = _eight_bit(image)
        yield pixels, left, top, blend == 1, disposal


def _eight_bit(image: Image.Image) -> Canvas:
    if not image.mode.startswith("I"):
        return np.asarray(image.convert("RGBA"), dtype=np.float64)
    grey = np.asarray(image, dtype=np.float64) / 257
    return np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=2)


def _png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return _PNG + b"".join(
        struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _gif(source: Path) -> list[Canvas]:
    data = source.read_bytes()
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    parts = list(_gif_parts(data, flags))
    if parts:  # a first frame that is larger makes the whole as large
        pixels, left, top, _, _ = parts[0]
        width = max(width, left + pixels.shape[1])
        height = max(height, top + pixels.shape[0])
    return _composed((width, height), iter(parts))


def _gif_parts(data: bytes, screen_flags: int) -> Iterator[_Part]:
    shared, at = _colours(data, 13, screen_flags)
    disposal, transparent = 0, -1
    while at < len(data) and data[at] != 0x3B:
        if data[at] == 0x21:
            block, after = _blocks(data, at + 2)
            if data[at + 1] == 0xF9:
                disposal = {2: 1, 3: 2}.get(block[0] >> 2 & 7, 0)
                transparent = block[3] if block[0] & 1 else -1
            at = after
        elif data[at] == 0x2C:
            left, top, width, height, flags = struct.unpack_from("<HHHHB", data, at + 1)
            own, at = _colours(data, at + 10, flags)
            packed, after = _blocks(data, at + 1)
            indices = _unpacked(packed, data[at], width * height).reshape(height, width)
            if flags & 0x40:
                indices = _deinterlaced(indices)
            pixels = (own if own is not None else shared if shared is not None else _GREYS)[indices]
            pixels[indices == transparent] = 0
            yield pixels, left, top, True, disposal
            at, disposal, transparent = after, 0, -1
        else:
            at += 1


_GREYS = np.array([[grey, grey, grey, 255] for grey in range(256)], dtype=np.float64)


def _colours(data: bytes, at: int, flags: int) -> tuple[Canvas | None, int]:
    if not flags & 0x80:
        return None, at
    count = 2 << (flags & 7)
    table = np.zeros((256, 4))
    table[:, 3] = 255
    told = np.frombuffer(data, np.uint8, 3 * count, at).reshape(count, 3)
    table[:count, :3] = told
    return table, at + 3 * count


def _blocks(data: bytes, at: int) -> tuple[bytes, int]:
    found = []
    while at < len(data) and data[at]:
        found.append(data[at + 1 : at + 1 + data[at]])
        at += data[at] + 1
    return b"".join(found), at + 1


def _unpacked(packed: bytes, bits: int, count: int) -> npt.NDArray[np.uint8]:
    """LZW with codes that grow to 12 bits, the lowest bits first."""
    clear = 1 << bits
    roots = [bytes((value,)) for value in range(clear)] + [b"", b""]
    table, width, last = list(roots), bits + 1, b""
    made, pool, held = bytearray(), 0, 0
    for byte in packed:
        pool |= byte << held
        held += 8
        while held >= width:
            code, pool, held = pool & (1 << width) - 1, pool >> width, held - width
            if code == clear:
                table, width, last = list(roots), bits + 1, b""
                continue
            if code == clear + 1 or len(made) >= count:
                break
            entry = table[code] if code < len(table) else last + last[:1]
            made += entry
            if last and len(table) < 4096:
                table.append(last + entry[:1])
            if len(table) == 1 << width and width < 12:
                width += 1
            last = entry
    return np.frombuffer(bytes(made[:count]).ljust(count, b"\0"), np.uint8)


def _deinterlaced(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height = len(rows)
    passes = ((0, 8), (4, 8), (2, 4), (1, 2))
    order = [row for begin, step in passes for row in range(begin, height, step)]
    made = np.empty_like(rows)
    made[order] = rows
    return made


def _by_libvips(source: Path) -> list[Canvas]:
    strip = pyvips.Image.new_from_file(str(source), n=-1)
    height = strip.get("page-height") if strip.get_typeof("page-height") else strip.height
    whole = strip if strip.hasalpha() else strip.bandjoin(255)
    pixels = np.asarray(whole.numpy(), dtype=np.float64)
    return np.split(pixels, len(pixels) // height)


def _by_ffmpeg(source: Path) -> list[Canvas]:
    """Of AVIF, whose alpha is grey in a track of its own; stills beside the sequence are left out."""
    with av.open(str(source)) as container:
        tracks = {t.format.name == "gray": t.index for t in container.streams.video if t.frames > 1}
    colours, alphas = (_track(source, tracks[is_alpha]) for is_alpha in (False, True))
    return [
        np.dstack([colour.to_ndarray(format="rgb24"), _full_range(alpha)])
        for colour, alpha in zip(colours, alphas, strict=True)
    ]


def _track(source: Path, number: int) -> list[av.VideoFrame]:
    with av.open(str(source)) as container:
        return list(container.decode(container.streams.video[number]))


def _full_range(alpha: av.VideoFrame) -> Canvas:
    """ffmpeg takes grey for full as it is."""
    values = alpha.to_ndarray().astype(np.float64)
    limited = alpha.color_range == ColorRange.MPEG
    return np.clip((values - 16) * 255 / 219, 0, 255) if limited else values
