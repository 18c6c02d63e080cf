"""What is known of a film, and what is wanted of it. Pure values, so they travel to children."""

from dataclasses import dataclass

from services.process.image.engine import Target


@dataclass(frozen=True, slots=True)
class Film:
    """A film as its bytes describe it.

    Attributes:
        path: the file, from the root.
        container: the demuxer that reads the file, by ffmpeg's name.
        duration_seconds: of the longest stream.
        picture_seconds: of the video alone.
        width, height: pixels as a player shows them: upright, and square.
        video_stream, audio_stream: their numbers in the file; None for a silent film.
        video_codec, audio_codec: ffmpeg's names.
        interlaced: whether the first picture consists of two fields.
        transfer: the transfer function where the film is HDR (`smpte2084`, `arib-std-b67`).
    """

    path: str
    container: str
    duration_seconds: float
    picture_seconds: float
    width: int
    height: int
    video_stream: int
    video_codec: str
    audio_stream: int | None = None
    audio_codec: str | None = None
    interlaced: bool = False
    transfer: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a film may be at most.

    Attributes:
        seconds: its length.
        pixels: width times height.
        streams: how many there are in the file, of all kinds.
    """

    seconds: float
    pixels: int
    streams: int


@dataclass(frozen=True, slots=True)
class Rendition:
    """One H.264 and AAC file that is wanted of a film.

    Attributes:
        name: the file's name without its extension.
        width, height: pixels, both even.
        crf: x264's constant rate factor: 0 (lossless) to 51.
        preset: x264's trade of time for size.
        audio_kbps: bit rate of the sound; None for none.
    """

    name: str
    width: int
    height: int
    crf: int
    preset: str
    audio_kbps: int | None

    @property
    def file(self) -> str:
        """The name of the file that is made."""
        return f"{self.name}.{self.extension}"

    @property
    def extension(self) -> str:
        """The usual file name extension of the container, without a dot."""
        return "mp4"

    @property
    def media_type(self) -> str:
        """The container's media type."""
        return "video/mp4"


@dataclass(frozen=True, slots=True)
class Still:
    """One picture that is wanted of a film.

    Attributes:
        at: seconds from the start; None for a picture that shows something.
        targets: the files that are made of it.
    """

    at: float | None
    targets: tuple[Target, ...]
