"""The playlists of single streams, as ffmpeg writes them (RFC 8216). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a stream.

    Attributes:
        file: its name, beside the playlist.
        seconds: how long it plays.
        size: bytes.
    """

    file: str
    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream in pieces.

    Attributes:
        folder: where playlist and pieces are, below the set's own.
        init: the file that comes before every piece.
    """

    folder: str
    init: str
    segments: tuple[Segment, ...]

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return sum(segment.seconds for segment in self.segments)

    @property
    def peak(self) -> int:
        """Bits per second of the heaviest piece; pieces much shorter than the others aside.

        At least the average, to which those count.
        """
        longest = max(segment.seconds for segment in self.segments)
        rates = [8 * s.size / s.seconds for s in self.segments if s.seconds > longest / 2]
        return max(round(max(rates)), self.average)

    @property
    def average(self) -> int:
        """Bits per second of all pieces together."""
        return round(8 * sum(segment.size for segment in self.segments) / self.seconds)


def parse(folder: str, text: str, sizes: Mapping[str, int]) -> Stream:
    """The stream whose playlist says `text`; `sizes` are bytes by file name.

    Pieces of no length, with which some versions of ffmpeg end, are kept out.
    """
    init, segments, seconds = "", [], 0.0
    for line in text.splitlines():
        if line.startswith("#EXT-X-MAP:"):
            init = line.split('URI="')[1].split('"')[0]
        elif line.startswith("#EXTINF:"):
            seconds = float(line.removeprefix("#EXTINF:").split(",")[0])
        elif line and not line.startswith("#"):
            segments.append(Segment(line, seconds, sizes[line]))
    return Stream(folder, init, tuple(s for s in segments if s.seconds > 0))
