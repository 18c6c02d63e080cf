"""A film in pieces, in several sizes: HLS, and DASH from the same pieces."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path, PurePosixPath
from typing import Self

from services.process.video.digests import Piece
from services.process.video.ffmpeg.branch import WHOLE, Branch, Tap, Window
from services.process.video.ffmpeg.filling import filled
from services.process.video.film import Captions, Film, Sound
from services.process.video.products.captions import WEBVTT, webvtt
from services.process.video.products.product import Passed
from services.process.video.streaming.language import tag
from services.process.video.streaming.master import PLAYLIST, Track
from services.process.video.streaming.package import CAPTIONS, Contents, Size
from shared.jobs import Member, Output

_MEDIA_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
    "vtt": WEBVTT,
}
_INIT = "init.mp4"
# A piece says how long its last picture is shown, and the next begins then, by ffmpeg's muxer. By
# itself that picture is as long as the one before: wrong where they come at uneven distances.
_EXACT = "setts=pts=PTS:dts=DTS:duration=if(isnan(NEXT_DTS)\\,DURATION\\,NEXT_DTS-DTS)"
_ROUNDED_SECONDS = 0.000001  # by which a picture at a piece's very beginning may seem too early
_PIECES = "scenecut=0:keyint=infinite:open-gop=0"
_UNEVEN = 1.01  # times its usual rate, that a film has where it is fastest
_LATE_SECONDS = 0.05  # pictures that begin no later than that wait for nothing
_REPEAT_SECONDS = 0.5  # at most, between repeated pictures
_PLAIN = re.compile(r"[^\w.()-]+")  # the rest would have to be escaped in a playlist


@dataclass(frozen=True, slots=True)
class Adaptive:
    """What is wanted of a film for streaming.

    Every size has its key frames at the same times, `segment_seconds` apart, and pieces that
    begin there; so a player changes between sizes wherever it likes.

    Attributes:
        name: the set's folder.
        sizes: the largest first.
        sounds, captions: the tracks, each with the number of its stream in the film.
        salvage: see `Product.salvage`.
    """

    name: str
    sizes: tuple[Size, ...]
    crf: int
    preset: str
    audio_kbps: int
    segment_seconds: float
    dash: bool
    sounds: tuple[tuple[Track, int], ...] = ()
    captions: tuple[tuple[Track, int], ...] = ()
    salvage: bool = False

    @property
    def window(self) -> Window:
        """All of the film."""
        return WHOLE

    @property
    def libraries(self) -> tuple[str, ...]:
        """H.264's encoder."""
        return ("libx264",)

    @property
    def anew(self) -> Self:
        """See `Product.anew`."""
        return self

    @property
    def decodes(self) -> bool:
        """See `Product.decodes`."""
        return True

    @property
    def files(self) -> tuple[str, ...]:
        """See `Product.files`."""
        return (f"{self.name}.m3u8",)

    @property
    def traces(self) -> tuple[str, ...]:
        """See `Product.traces`."""
        return (self.name,)

    def folders(self) -> tuple[str, ...]:
        """One for each stream."""
        tracks = (track.folder for track, _ in (*self.sounds, *self.captions))
        streams = (*(size.folder for size in self.sizes), *tracks)
        return (self.name, *(f"{self.name}/{folder}" for folder in streams))

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One for each stream."""
        root = directory / self.name
        return (
            *(self._picture(film, size, root / size.folder) for size in self.sizes),
            *(self._sound(film, stream, root / track.folder) for track, stream in self.sounds),
            *(
                Branch(webvtt(stream, root / track.folder / CAPTIONS))
                for track, stream in self.captions
            ),
        )

    def _picture(self, film: Film, size: Size, folder: Path) -> Branch:
        options = (
            *("-an", "-c:v", "libx264", "-preset", self.preset, "-crf", str(self.crf)),
            # Key frames where pieces begin, and nowhere else.
            *("-force_key_frames", self._keys, "-x264-params", f"{_PIECES}{_order(film)}"),
            *("-fps_mode", "vfr", "-bsf:v", _EXACT, *self._pieces(folder)),
        )
        return Branch(options, Tap(size.width, size.height), self._from_the_start(film))

    @property
    def _keys(self) -> str:
        """When there are key frames: at the first picture of each stretch that is a piece's.

        Not by their count: behind a picture that is shown for several pieces, that would have to
        catch up, with a key frame, and a piece, for each picture.
        """

        def stretch(time: str) -> str:
            return f"floor(({time}+{_ROUNDED_SECONDS})/{self.segment_seconds:g})"

        return f"expr:gt({stretch('t')},if(isnan(prev_forced_t),-1,{stretch('prev_forced_t')}))"

    def _from_the_start(self, film: Film) -> str | None:
        """Filters that show the first picture from the film's beginning on, where it comes later.

        A playlist without pictures at its beginning is one that Safari does not start, and a gap
        that other players have to jump. Repeats come where pieces begin, and between.
        """
        if film.picture_begins <= _LATE_SECONDS:
            return None
        step = self.segment_seconds / ceil(self.segment_seconds / _REPEAT_SECONDS)
        more = ceil(film.picture_begins / step) - 1
        return (
            "[{source}]settb=1/1000000,split[{sink}a][{sink}b];"
            f"[{{sink}}a]trim=end_frame=1,loop=loop={more}:size=1,setpts=N*{step:.6f}/TB,"
            f"fps={1 / step:.6f}[{{sink}}c];[{{sink}}c][{{sink}}b]interleave[{{sink}}]"
        )

    def _sound(self, film: Film, stream: int, folder: Path) -> Branch:
        coded = ("-c:a", "aac", "-b:a", f"{self.audio_kbps}k", "-ac", "2", "-ar", "48000")
        chain = filled(stream, film.sound(stream))
        return Branch((*coded, *self._pieces(folder)), chain=chain)

    def _pieces(self, folder: Path) -> tuple[str, ...]:
        # Relative, since ffmpeg would read a number pattern into all of an absolute path.
        pieces = f"{self.name}/{folder.name}/%05d.m4s"
        return (
            # Each stream would be moved by its own delay, and pictures leave the sound behind.
            *("-avoid_negative_ts", "disabled", "-f", "hls", "-hls_playlist_type", "vod"),
            *("-hls_time", f"{self.segment_seconds:g}", "-hls_segment_type", "fmp4"),
            # That index is wrong where pictures come at uneven distances, and some readers go by it.
            *("-hls_segment_options", "movflags=+skip_sidx"),
            *("-hls_fmp4_init_filename", _INIT, "-hls_flags", "independent_segments"),
            *("-hls_segment_filename", pieces, f"file:{folder / PLAYLIST}"),
        )

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`."""
        root = passed.directory / self.name
        contents = Contents(
            self.sizes,
            tuple(track for track, _ in self.sounds),
            tuple(track for track, _ in self.captions),
            passed.film.frame_rate,
            self.dash,
            passed.salvage,
        )
        from asyncio import to_thread  # late: whoever only reads the parameters needs no loop

        made = await passed.tools.package(root, contents, passed.work)
        missing = passed.missing(made.seconds, passed.film.picture_seconds)
        first, *others = await to_thread(_members, made.pieces, passed)
        return (
            Output(
                name=self.name,
                ext="m3u8",
                path=first.path,
                size=first.size,
                sha256=first.sha256,
                media_type=first.media_type,
                members=tuple(others),
                width=self.sizes[0].width,
                height=self.sizes[0].height,
                duration_seconds=round(made.seconds, 3),
                missing_seconds=missing,
                engine=passed.tools.ffmpeg.name,
            ),
        )


def _order(film: Film) -> str:
    """Pictures at uneven distances are decoded in the order in which they are shown.

    A piece tells the time between decodings, which players take for that between pictures: of a
    picture that waits for the next one they would believe that it belongs to another.
    """
    return ":bframes=0" if film.faster_than(_UNEVEN * film.frame_rate) else ""


def tracks(
    kind: str, streams: Sequence[Sound | Captions], default: int | None = None
) -> tuple[tuple[Track, int], ...]:
    """The tracks as a player lists them, each with the number of its stream.

    Args:
        kind: what their folders are called by.
        default: the number of the stream that is taken unasked.
    """
    names = [_PLAIN.sub(" ", one.title or one.language or "").strip() for one in streams]
    listed = []
    for place, (stream, name) in enumerate(zip(streams, names, strict=True)):
        shown = name if name and names.count(name) == 1 else f"{name} {place + 1}".strip()
        is_default = stream.stream == default
        track = Track(f"{kind}-{place}", shown, tag(stream.language), is_default)
        listed.append((track, stream.stream))
    return tuple(listed)


def _members(pieces: Sequence[Piece], passed: Passed) -> list[Member]:
    return [_member(piece, passed) for piece in pieces]


def _member(piece: Piece, passed: Passed) -> Member:
    path = Path(piece.path)
    below = path.relative_to(passed.directory)
    return Member(
        path=passed.work.relative(passed.work.directory / below),
        size=piece.size,
        sha256=piece.sha256,
        media_type=_media_type(PurePosixPath(below)),
    )


def _media_type(path: PurePosixPath) -> str:
    kind = _MEDIA_TYPES[path.suffix.removeprefix(".")]
    return kind.replace("video/", "audio/") if path.parent.name.startswith("sound-") else kind
