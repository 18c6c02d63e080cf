"""What is known of a film, and what is wanted of it. Pure values, so they travel to children."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.process.image.engine import Target

if TYPE_CHECKING:
    from services.process.image.operations.picture import Picture


@dataclass(frozen=True, slots=True)
class Sound:
    """One track of sound.

    Attributes:
        stream: its number in the file.
        codec: ffmpeg's name.
        language: as the file has it (`eng`); None where it does not tell.
        default: whether a player takes it unasked.
        begins: seconds from the film's beginning to the first of it that can be decoded; None where
            that is far behind.
        seconds: its length; 0 where the file does not tell.
        profile: the variant of the codec, by ffmpeg's name (`LC`); None where there is none.
        bit_rate: bits per second, measured at some places where the file does not tell; 0 where
            that was not possible or has no use.
    """

    stream: int
    codec: str
    channels: int = 2
    rate: int = 48000
    language: str | None = None
    title: str | None = None
    default: bool = False
    begins: float | None = 0.0
    seconds: float = 0.0
    profile: str | None = None
    bit_rate: int = 0


@dataclass(frozen=True, slots=True)
class Captions:
    """One track of captions.

    Attributes:
        stream, codec, language, title: as of `Sound`.
        text: whether it is text; the rest are pictures, which no text can be made of.
    """

    stream: int
    codec: str
    text: bool
    language: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """A film as its bytes describe it.

    Attributes:
        path: the file, from the root.
        container: the demuxer that reads the file, by ffmpeg's name.
        duration_seconds: of the longest stream.
        picture_begins: seconds from the film's beginning to the first picture.
        picture_seconds: seconds from the film's beginning to the end of the last picture.
        width, height: pixels as a player shows them: upright, and square.
        video_stream, audio_stream: their numbers in the file; None for a silent film.
        video_codec: ffmpeg's name.
        interlaced: whether the first picture consists of two fields.
        transfer: the transfer function where the film is HDR (`smpte2084`, `arib-std-b67`).
        rotation: degrees that a player turns the pictures by.
        frame_rate: pictures per second on average; 0 where it is not known.
        peak_rate: where they follow each other fastest; 0 where it is not known.
        stored_width, stored_height: pixels of a picture as it is coded.
        pixel_aspect: how much wider than high those are to be shown, as a ratio.
        pixel_format: ffmpeg's name (`yuv420p`, `yuv420p10le`).
        video_bit_rate: bits per second; 0 where the file does not tell.
        bit_rate: bits per second of the whole file.
        plain: whether the stored pictures are what is shown: square pixels, not turned, from
            the very start of the film on.
        sounds, captions: all tracks that can be decoded, in the file's order.
        breaks_off: whether it is a recording that ends in the middle of something, and does not tell
            how long it was: its length is that of what is there.
        flaw: what is wrong with the file that ffmpeg does not complain about; may be nothing.
    """

    path: str
    container: str
    duration_seconds: float
    picture_seconds: float
    width: int
    height: int
    video_stream: int | None
    video_codec: str | None
    audio_stream: int | None = None
    picture_begins: float = 0.0
    interlaced: bool = False
    transfer: str | None = None
    rotation: int = 0
    frame_rate: float = 0.0
    peak_rate: float = 0.0
    stored_width: int = 0
    stored_height: int = 0
    pixel_aspect: str = "1:1"
    pixel_format: str = ""
    video_bit_rate: int = 0
    bit_rate: int = 0
    plain: bool = False
    sounds: tuple[Sound, ...] = ()
    captions: tuple[Captions, ...] = ()
    flaw: str = ""
    breaks_off: bool = False

    def faster_than(self, rate: float) -> bool:
        """Whether more than `rate` pictures a second may be shown anywhere in it."""
        return max(self.frame_rate, self.peak_rate) > rate

    def sound(self, stream: int | None) -> Sound | None:
        """The track of sound whose stream has that number."""
        return next((sound for sound in self.sounds if sound.stream == stream), None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a film may be at most.

    Attributes:
        seconds: its length.
        pixels: width times height.
        streams: how many there are in the file, of all kinds.
        frames: how many pictures there are.
    """

    seconds: float
    pixels: int
    streams: int
    frames: int


@dataclass(frozen=True, slots=True)
class Still:
    """One picture that is wanted of a film.

    Attributes:
        at: seconds from the start; None for a picture that shows something.
        recipes: what is made of it.
    """

    at: float | None
    recipes: "tuple[Picture, ...]"

    @property
    def files(self) -> tuple[str, ...]:
        """See `Output.file`, of each output."""
        return tuple(file for recipe in self.recipes for file in recipe.files)


@dataclass(frozen=True, slots=True)
class Series:
    """Several pictures, spread over a film.

    Attributes:
        times: seconds from the start, rising.
        recipes: for each time what is made of its picture.
        salvage: whether those that a damaged film has are enough.
    """

    times: tuple[float, ...]
    recipes: "tuple[tuple[Picture, ...], ...]"
    salvage: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """See `Output.file`, of each output."""
        return tuple(file for one in self.recipes for recipe in one for file in recipe.files)


@dataclass(frozen=True, slots=True)
class Storyboard:
    """Small pictures of a film on one sheet, with a text that tells which is when.

    Attributes:
        interval: seconds that each picture stands for.
        count: how many there are.
        width, height: of each, in pixels.
        sheet: the file that is made of all.
        salvage: whether those that a damaged film has are enough.
    """

    name: str
    interval: float
    count: int
    width: int
    height: int
    sheet: Target
    salvage: bool = False

    @property
    def times(self) -> tuple[float, ...]:
        """Seconds from the start: the middle of each interval."""
        return tuple((number + 0.5) * self.interval for number in range(self.count))

    @property
    def files(self) -> tuple[str, ...]:
        """See `Output.file`, of the output; and the sheet, which lies beside others for a while."""
        return f"{self.name}.vtt", self.sheet.file


Snap = Still | Series | Storyboard
