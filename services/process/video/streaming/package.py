"""From the pieces that ffmpeg left to a set that players understand. Runs in a child."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import SEEK_CUR
from pathlib import Path
from shutil import rmtree
from typing import BinaryIO

from services.process.video.digests import Piece, digests
from services.process.video.streaming.master import (
    PLAYLIST,
    Audible,
    Picture,
    Track,
    caption_playlist,
    master,
)
from services.process.video.streaming.mpd import mpd
from services.process.video.streaming.piece import Clock, Span, clock_of, span_of
from services.process.video.streaming.playlist import (
    Stream,
    in_step,
    media_playlist,
    pieces_of,
    stream_of,
)
from shared.errors import CorruptMedia, SourceTooLarge

# In one set: each is a line in messages, an object in storage, and an entry in the journal.
MOST_PIECES = 50_000
MASTER, MANIFEST, CAPTIONS = "master.m3u8", "manifest.mpd", "captions.vtt"


@dataclass(frozen=True, slots=True)
class Size:
    """One size of the film in pieces, in the folder of that name."""

    folder: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a set consists of.

    Attributes:
        fps: pictures per second on average; 0 where that is not known.
        dash: whether there is a DASH manifest, too.
        salvage: whether sound of which a damaged film has nothing may be left out.
    """

    sizes: tuple[Size, ...]
    sounds: tuple[Track, ...]
    captions: tuple[Track, ...]
    fps: float
    dash: bool
    salvage: bool = False


@dataclass(frozen=True, slots=True)
class Package:
    """A set that is ready.

    Attributes:
        seconds: the length of its pictures.
        pieces: all its files, the master playlist first.
    """

    seconds: float
    pieces: tuple[Piece, ...]


def package(root: Path, contents: Contents) -> Package:
    """Write what is missing of the set in `root`, and describe it.

    Raises:
        CorruptMedia: a stream has no pieces: nothing of the film could be decoded.
        SourceTooLarge: there are far too many: the film is longer than it said.
    """
    left = [*_left(root, contents)]
    folders = [size.folder for size in contents.sizes] + [one.folder for one in left]
    streams = in_step([_ended(root, _stream(root, folder)) for folder in folders])
    shown, heard = streams[: len(contents.sizes)], streams[len(contents.sizes) :]
    pictures = [
        _picture(root, stream, size, contents.fps)
        for stream, size in zip(shown, contents.sizes, strict=True)
    ]
    sounds = [Audible(stream, track) for stream, track in zip(heard, left, strict=True)]
    seconds = pictures[0].stream.seconds
    for stream in streams:
        (root / stream.folder / PLAYLIST).write_text(media_playlist(stream))
    for track in contents.captions:
        _write(root / track.folder / PLAYLIST, caption_playlist(CAPTIONS, seconds))
    _write(root / MASTER, master(pictures, sounds, contents.captions))
    if contents.dash:
        _write(root / MANIFEST, mpd(pictures, sounds, seconds))
    files = tuple(_files(root))
    if len(files) > 2 * MOST_PIECES:
        raise SourceTooLarge(f"The film is longer than it says: it came to {len(files)} pieces.")
    return Package(seconds, digests(files))


def _files(root: Path) -> Iterable[Path]:
    """Every file of the set, the master playlist first."""
    yield root / MASTER
    yield from sorted(p for p in root.rglob("*") if p.is_file() and p != root / MASTER)


def _picture(root: Path, stream: Stream, size: Size, usual_fps: float) -> Picture:
    codec = _codec((root / size.folder / stream.init).read_bytes())
    return Picture(stream, size.width, size.height, codec, stream.fastest(usual_fps))


def _left(root: Path, contents: Contents) -> Iterator[Track]:
    """The tracks of sound of which there is something; the folders of the others go."""
    for track in contents.sounds:
        if contents.salvage and not _is_left(root, track.folder):
            rmtree(root / track.folder)
        else:
            yield track


def _is_left(root: Path, folder: str) -> bool:
    try:
        return bool(_stream(root, folder).segments)
    except CorruptMedia:
        return False


def _stream(root: Path, folder: str) -> Stream:
    directory = root / folder
    playlist = directory / PLAYLIST
    init, files = pieces_of(playlist.read_text() if playlist.exists() else "")
    if not files:
        raise CorruptMedia(f"The film is damaged: nothing of it could be decoded for '{folder}'.")
    clock = clock_of((directory / init).read_bytes())
    return stream_of(folder, init, [_piece(directory / file, clock) for file in files])


def _ended(root: Path, stream: Stream) -> Stream:
    """The stream, whose last piece is joined to the one before where it is tiny.

    A piece may consist of several fragments (ISO/IEC 23000-19, 7.3.2.3). Pictures of all sizes end
    at the same time, so their pieces stay alike.
    """
    if not stream.ends_tiny:
        return stream
    before, last = (root / stream.folder / segment.file for segment in stream.segments[-2:])
    with before.open("ab") as file:
        file.write(last.read_bytes())
    last.unlink()
    return stream.joined()


def _piece(path: Path, clock: Clock) -> tuple[str, int, Span]:
    with path.open("rb") as file:
        return path.name, path.stat().st_size, span_of(_fragment(file), clock)


def _fragment(file: BinaryIO) -> bytes:
    """The body of the box that describes the samples; theirs comes after it and is not read."""
    while len(head := file.read(8)) == 8:
        size, kind = int.from_bytes(head[:4]), head[4:]
        if kind == b"moof":
            return file.read(size - 8)
        file.seek(size - 8, SEEK_CUR)
    return b""


def _codec(init: bytes) -> str:
    """The name of RFC 6381 of an H.264 stream, from its configuration (ISO/IEC 14496-15)."""
    profile, compatibility, level = init[init.index(b"avcC") + 5 :][:3]
    return f"avc1.{profile:02x}{compatibility:02x}{level:02x}"


def _write(path: Path, text: str) -> None:
    with path.open("x") as file:
        file.write(text)
