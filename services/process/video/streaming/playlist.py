"""The playlists of single streams (RFC 8216). Pure.

ffmpeg writes them, and they are written anew: its lengths are wrong where pictures come at uneven
distances, and each has a target duration of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

_STEADY = 0.01  # differences of rates that are no more come of times that were rounded


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
class Looked:
    """What was seen of a piece's file; see `Segment`; `seconds` is None where it does not tell."""

    size: int
    seconds: float | None
    samples: int


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
            usual: the rate on average, which is meant where that piece hardly differs from it.
        """
        long = [s for s in self.segments if s.seconds >= 0.5 * self.target] or self.segments
        most = max(segment.samples / segment.seconds for segment in long)
        return usual if abs(most - usual) <= _STEADY * usual else most

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


def parse(folder: str, text: str, looked: Mapping[str, Looked]) -> Stream:
    """The stream whose playlist says `text`, by ffmpeg; what was `looked` at goes by file name.

    Pieces of no length, with which some versions of ffmpeg end, are kept out.
    """
    init, segments, told = "", [], 0.0
    for line in text.splitlines():
        if line.startswith("#EXT-X-MAP:"):
            init = line.split('URI="')[1].split('"')[0]
        elif line.startswith("#EXTINF:"):
            told = float(line.removeprefix("#EXTINF:").split(",")[0])
        elif line and not line.startswith("#"):
            seen = looked[line]
            seconds = told if seen.seconds is None else seen.seconds
            segments.append(Segment(line, seconds, seen.size, seen.samples))
    pieces = tuple(segment for segment in segments if segment.seconds > 0)
    longest = max((segment.seconds for segment in pieces), default=0.0)
    return Stream(folder, init, pieces, target=max(1, int(longest + 0.5)))


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
