"""What one file of a passage through a film needs of it. Pure values."""

from dataclasses import dataclass

from services.process.video.codecs import CodecName, Preset


@dataclass(frozen=True, slots=True)
class Tap:
    """Pictures of the film, as one output takes them.

    Attributes:
        width, height: pixels, both even.
        fps: pictures per second; None for those that the film has.
        hdr: whether HDR is kept, in ten bits; else it becomes SDR in eight.
        sparse: whether `fps` is so few that the others are dropped before they are scaled.
    """

    width: int
    height: int
    fps: float | None = None
    hdr: bool = False
    sparse: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """What taps are put in order by: pixels, then width."""
        return self.width * self.height, self.width

    def holds(self, other: "Tap") -> bool:
        """Whether `other` can be made of these pictures without enlarging them."""
        return self.width >= other.width and self.height >= other.height


@dataclass(frozen=True, slots=True)
class Coding:
    """How pictures are encoded, whoever does it.

    Attributes:
        crf: constant rate factor, on the scale of the codec's encoder for CPUs.
        preset: its trade of time for size.
    """

    codec: CodecName
    crf: int
    preset: Preset


@dataclass(frozen=True, slots=True)
class Branch:
    """One output of ffmpeg: what it takes of the graph, and what is done with it.

    Attributes:
        options: everything after the mapped pictures: other streams, codecs, format, file.
        tap: the decoded pictures that it needs; None if it needs none.
        chain: filters between tap and output; may say `{source}` and `{sink}`, the labels
            around it. Without a tap, `{source}` is not filled in.
        coding: what encodes the pictures, where that is not among `options`.
    """

    options: tuple[str, ...]
    tap: Tap | None = None
    chain: str | None = None
    coding: Coding | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a film that is read.

    Attributes:
        start: seconds from the film's beginning.
        seconds: its length; None up to the end.
    """

    start: float = 0.0
    seconds: float | None = None


WHOLE = Window()
