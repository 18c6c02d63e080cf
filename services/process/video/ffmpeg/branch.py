"""What one file of a passage through a film needs of it. Pure values."""

from dataclasses import dataclass

from services.process.video.ffmpeg.codecs import CodecName, Preset


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
class Beside:
    """Sound and captions beside pictures; encoded once for all files of a passage that want them.

    Attributes:
        options: what ffmpeg is told of them.
        sound: the filters of decoded sound; see `Branch.chain`.
    """

    options: tuple[str, ...]
    sound: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file that has other streams beside its pictures, or could have.

    Attributes:
        name: in the attempt's directory.
        container: ffmpeg's name.
        options: of the container, each as `key=value`.
    """

    name: str
    container: str
    options: tuple[str, ...]
    beside: Beside


@dataclass(frozen=True, slots=True)
class Branch:
    """What ffmpeg makes of the pictures, or of other streams: a file, or some that are one set.

    Attributes:
        options: of the mapped pictures; without `file`, everything after them: other streams,
            codecs, format, file.
        tap: the decoded pictures that it needs; None if it needs none.
        chain: filters between tap and output; may say `{source}` and `{sink}`, the labels
            around it. Without a tap it says `{input}`, the film, instead of `{source}`.
        coding: what encodes the pictures, where that is not among `options`.
        copied: the film's stream whose pictures are taken as they are.
        file: where the pictures go, if that is not among `options`.
    """

    options: tuple[str, ...]
    tap: Tap | None = None
    chain: str | None = None
    coding: Coding | None = None
    copied: int | None = None
    file: File | None = None

    @property
    def is_apart(self) -> bool:
        """Whether it filters something else than pictures, and so has a reading of its own."""
        return self.tap is None and self.chain is not None


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a film that is read.

    Attributes:
        start: seconds from the film's beginning.
        seconds: its length; None up to the end.
        lead: how much earlier reading begins; what is read until the start is thrown away, but
            for the picture that is shown then.
        shown: how much earlier that picture begins, in seconds.
    """

    start: float = 0.0
    seconds: float | None = None
    lead: float = 0.0
    shown: float = 0.0


WHOLE = Window()
