"""The playlists of single streams (RFC 8216). Pure.

ffmpeg writes them, and they are written anew: its lengths are not always those of the pieces, and
each has a target duration of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from services.process.video.streaming.piece import Span

_SAME_RATE = 0.002  # two rates that differ by a smaller share: times are rounded
# Of a last piece: hls.js does not tell the end of a film behind one of 0.04 s, behind one of 0.2 it does.
_LEAST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a stream.

    Attributes:
        file: its name, beside the playlist.
        seconds: how long it plays.
        size: bytes.
        samples: how many pictures it has, or packets of sound.
    """

    file: str
    seconds: float
    size: int
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream in pieces.

    Attributes:
        folder: where playlist and pieces are, below the set's own.
        init: the file that comes before every piece.
        target: its target duration, whole seconds.
    """

    folder: str
    init: str
    segments: tuple[Segment, ...]
    target: int

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return sum(segment.seconds for segment in self.segments)

    @property
    def ends_tiny(self) -> bool:
        """Whether its last piece is too short for players; see `joined`."""
        return len(self.segments) > 1 and self.segments[-1].seconds < _LEAST_SECONDS

    def joined(self) -> "Stream":
        """The stream whose last piece lies in the file before it."""
        *others, before, last = self.segments
        seconds = before.seconds + last.seconds
        size, samples = before.size + last.size, before.samples + last.samples
        longer = Segment(before.file, seconds, size, samples)
        return replace(
            self, segments=(*others, longer), target=max(self.target, _target([seconds]))
        )

    @property
    def peak(self) -> int:
        """Bits per second of the heaviest stretch, at least the average.

        A stretch is any number of pieces in a row that play for 0.5 to 1.5 times the target
        duration (RFC 8216, 4.3.4.2): pieces much shorter than that count as part of one.
        """
        rates = [8 * size / seconds for size, seconds in self._stretches()]
        return max([self.average, *map(round, rates)])

    @property
    def average(self) -> int:
        """Bits per second of all pieces together."""
        return round(8 * sum(segment.size for segment in self.segments) / self.seconds)

    def fastest(self, usual: float) -> float:
        """Samples per second of the piece that has most, the much shorter ones aside.

        Args:
            usual: the rate on average. It is meant where that piece hardly differs from it; else
                a rate that films have, where it hardly differs from one.
        """
        long = [s for s in self.segments if s.seconds >= 0.5 * self.target] or self.segments
        most = max(segment.samples / segment.seconds for segment in long)
        rates = (usual, round(most), round(most) * 1000 / 1001)
        return next((rate for rate in rates if abs(most - rate) <= _SAME_RATE * rate), most)

    def _stretches(self) -> Iterator[tuple[int, float]]:
        """Bytes and seconds of each."""
        for first in range(len(self.segments)):
            size, seconds = 0, 0.0
            for place in range(first, len(self.segments)):
                size += self.segments[place].size
                seconds += self.segments[place].seconds
                if seconds > 1.5 * self.target:
                    break
                if seconds >= 0.5 * self.target:
                    yield size, seconds


def in_step(streams: Sequence[Stream]) -> list[Stream]:
    """The streams of one set, which must all have one target duration (RFC 8216, 6.2.4)."""
    target = max(stream.target for stream in streams)
    return [replace(stream, target=target) for stream in streams]


def pieces_of(text: str) -> tuple[str, list[str]]:
    """The file that comes before every piece, and the pieces, of a playlist that ffmpeg wrote.

    Pieces of no length, with which some versions of ffmpeg end, are kept out.
    """
    init, files, seconds = "", [], 0.0
    for line in text.splitlines():
        if line.startswith("#EXT-X-MAP:"):
            init = line.split('URI="')[1].split('"')[0]
        elif line.startswith("#EXTINF:"):
            seconds = float(line.removeprefix("#EXTINF:").split(",")[0])
        elif line and not line.startswith("#") and seconds > 0:
            files.append(line)
    return init, files


def stream_of(folder: str, init: str, pieces: Sequence[tuple[str, int, Span]]) -> Stream:
    """The stream that consists of those pieces: each with its file's name and bytes.

    Each plays until the next begins, the last to its own end.
    """
    begins = [span.begins for _, _, span in pieces]
    lengths = [later - earlier for earlier, later in pairwise([*begins, pieces[-1][2].ends])]
    segments = tuple(
        Segment(file, seconds, size, span.samples)
        for (file, size, span), seconds in zip(pieces, lengths, strict=True)
    )
    return Stream(folder, init, segments, _target(lengths))


def _target(lengths: Sequence[float]) -> int:
    """The longest, to the nearest second (RFC 8216, 4.3.3.1)."""
    return max(1, int(max(lengths) + 0.5))


def media_playlist(stream: Stream) -> str:
    """The text of the stream's own playlist."""
    lines = [
        *("#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{stream.target}"),
        *("#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS"),
        f'#EXT-X-MAP:URI="{stream.init}"',
    ]
    for segment in stream.segments:
        lines += [f"#EXTINF:{segment.seconds:.6f},", segment.file]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"
