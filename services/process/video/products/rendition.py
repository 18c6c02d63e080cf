"""One file with pictures and sound: encoded, or copied where the film is what is wanted."""

from dataclasses import dataclass, replace
from pathlib import Path

from services.process.video.ffmpeg.branch import WHOLE, Beside, Branch, Coding, File, Tap, Window
from services.process.video.ffmpeg.codecs import (
    CODECS,
    CodecName,
    Preset,
    heard,
    levelled,
    rate_of,
    spoken,
)
from services.process.video.film import Film
from services.process.video.products.film_file import described
from services.process.video.products.product import Passed, Plain
from services.process.video.source.whole import picture_seconds
from shared.jobs import Output


@dataclass(frozen=True, slots=True)
class Rendition(Plain):
    """One film that is wanted of a film.

    Attributes:
        name: the file's name without its extension.
        width, height: pixels, both even.
        crf: the encoder's constant rate factor.
        preset: its trade of time for size.
        audio_kbps: bit rate of the sound; None for none.
        fps: pictures per second; None for those that the film has.
        hdr: whether HDR is kept.
        loudness: LUFS that the sound is brought to; None for what it has.
        captions: whether text captions go along.
        copied: whether the pictures are taken as they are.
        sound_copied: whether the sound is.
        window: the part of the film.
        salvage: see `Product.salvage`.
    """

    name: str
    width: int
    height: int
    crf: int
    preset: Preset
    audio_kbps: int | None
    codec: CodecName = "h264"
    fps: float | None = None
    hdr: bool = False
    loudness: float | None = None
    captions: bool = False
    copied: bool = False
    sound_copied: bool = False
    window: Window = WHOLE
    salvage: bool = False

    @property
    def file(self) -> str:
        """The name of the file that is made."""
        return f"{self.name}.{CODECS[self.codec].extension}"

    @property
    def anew(self) -> "Rendition":
        """See `Product.anew`."""
        return replace(self, copied=False, sound_copied=False) if self.copied else self

    @property
    def decodes(self) -> bool:
        """See `Product.decodes`."""
        return not self.copied

    @property
    def files(self) -> tuple[str, ...]:
        """See `Product.files`."""
        return (self.file,)

    @property
    def libraries(self) -> tuple[str, ...]:
        """The encoders that it needs."""
        codec = CODECS[self.codec]
        encodes_sound = self.audio_kbps is not None and not self.sound_copied
        sound = (codec.sound_library,) if encodes_sound and codec.sound_library else ()
        return sound if self.copied else (codec.library, *sound)

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One."""
        container = CODECS[self.codec].extension
        # Matroska's relatives hold their index at the end only; MP4 can have it in front.
        front = ("movflags=+faststart",) if container == "mp4" else ()
        beside = Beside((*self._sound(film), *self._captions(film)), self._heard(film))
        file = File(self.file, container, front, beside)
        if self.copied:
            return (Branch(self._copying(), copied=film.video_stream, file=file),)
        tap = Tap(self.width, self.height, self.fps, self.hdr)
        coding = Coding(self.codec, self.crf, self.preset)
        return (Branch(self._colours(film), tap, coding=coding, file=file),)

    def _copying(self) -> tuple[str, ...]:
        # As x265 is told to: Apple's players know HEVC by no other name.
        named = ("-tag:v", "hvc1") if self.codec == "hevc" else ()
        return ("-c:v", "copy", *named)

    def _colours(self, film: Film) -> tuple[str, ...]:
        """Of pictures that stay HDR; the others have those of most films."""
        if not self.hdr:
            return ()
        colours = ("-color_primaries", "bt2020", "-colorspace", "bt2020nc")
        return (*colours, "-color_trc", str(film.transfer))

    def _sound(self, film: Film) -> tuple[str, ...]:
        """The film's chosen sound, if any is wanted."""
        if self.audio_kbps is None or film.audio_stream is None:
            return ()
        sound = film.sound(film.audio_stream)
        language = spoken("a", [sound.language] if sound else [])
        if self.sound_copied:
            return ("-map", f"0:{film.audio_stream}", "-c:a", "copy", *language)
        encoder = CODECS[self.codec].sound
        rate = ("-b:a", f"{self.audio_kbps}k", "-ac", "2")
        return (*rate_of(self.loudness), *encoder, *rate, *language)

    def _heard(self, film: Film) -> str | None:
        """The filters of that sound, where it is decoded."""
        if self.audio_kbps is None or film.audio_stream is None or self.sound_copied:
            return None
        return heard(film.audio_stream, *levelled(self.loudness))

    def _captions(self, film: Film) -> tuple[str, ...]:
        tracks = [track for track in film.captions if track.text and self.captions]
        kind = "mov_text" if CODECS[self.codec].extension == "mp4" else "webvtt"
        return (
            *(a for track in tracks for a in ("-map", f"0:{track.stream}")),
            *(("-c:s", kind) if tracks else ()),
            *spoken("s", [track.language for track in tracks]),
        )

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`."""
        codec = CODECS[self.codec]
        seconds = picture_seconds(passed.film, self.window)
        return (await described(passed, self.name, codec.extension, codec.media_type, seconds),)
