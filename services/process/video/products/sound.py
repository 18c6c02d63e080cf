"""Sound alone: one file of it, or a picture of its loudness over time."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path

from services.process.image.engine import Target
from services.process.video.ffmpeg.branch import WHOLE, Branch, Window
from services.process.video.ffmpeg.codecs import (
    SOUNDS,
    SoundFormat,
    levelled,
    rate_of,
    spoken,
)
from services.process.video.ffmpeg.command import png
from services.process.video.ffmpeg.filling import filled
from services.process.video.film import Film
from services.process.video.products.film_file import described
from services.process.video.products.product import Passed, Plain
from services.process.video.source.whole import lacking, sound_seconds, witness
from shared.jobs import Output

_DRAWN_SAMPLES = 2**24  # of two bytes: nearly six minutes
_SAMPLED_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class Extract(Plain):
    """One track of sound as a file, in step with the film: it begins when that does.

    Attributes:
        stream: its number in the film.
        kbps: bit rate, where the format has one.
        loudness: LUFS that it is brought to; None for what it has.
        salvage: see `Product.salvage`.
    """

    name: str
    stream: int
    format: SoundFormat
    kbps: int
    loudness: float | None
    window: Window = WHOLE
    salvage: bool = False

    @property
    def libraries(self) -> tuple[str, ...]:
        """The encoder, where it is not ffmpeg's own."""
        library = SOUNDS[self.format].library
        return (library,) if library else ()

    @property
    def files(self) -> tuple[str, ...]:
        """See `Product.files`."""
        return (f"{self.name}.{self.format}",)

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One, of sound alone."""
        sound = SOUNDS[self.format]
        rate = ("-b:a", f"{self.kbps}k") if sound.lossy else ()
        target = f"file:{directory / self.name}.{self.format}"
        track = filled(self.stream, film.sound(self.stream), *levelled(self.loudness))
        language = spoken("a", [_language(film, self.stream)])
        options = (*rate_of(self.loudness), *rate, *language, *sound.options, target)
        return (Branch(options, chain=track),)

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`."""
        sound = SOUNDS[self.format]
        seconds = sound_seconds(passed.film, self.stream)
        language = _language(passed.film, self.stream)
        made = await described(
            passed, self.name, self.format, sound.media_type, seconds, sound.demuxer, language
        )
        return (made,)


def _language(film: Film, stream: int) -> str | None:
    sound = film.sound(stream)
    return sound.language if sound else None


@dataclass(frozen=True, slots=True)
class Waveform(Plain):
    """The loudness of a track over time, drawn, and made into files by the picture engine.

    Attributes:
        width, height: pixels of the drawing; its width is all of the film's time.
        colour: `RRGGBB`, on nothing.
        salvage: see `Product.salvage`.
    """

    name: str
    stream: int
    width: int
    height: int
    colour: str
    targets: tuple[Target, ...]
    window: Window = WHOLE
    salvage: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """See `Product.files`."""
        return tuple(target.file for target in self.targets)

    @property
    def traces(self) -> tuple[str, ...]:
        """See `Product.traces`."""
        return (*self.files, self._drawing)

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One, which draws; a drawing does not tell how much sound there was."""
        left, right = self._extent(film)
        draw = f"showwavespic=s={right - left}x{self.height}:colors=0x{self.colour}:scale=sqrt"
        # Silence is drawn as nothing, and so is the time in which there is no sound.
        placed = f"pad={self.width}:{self.height}:{left}:0:black@0"
        drawn = (*self._sampled(film), draw, placed)
        chain = filled(self.stream, film.sound(self.stream), *drawn, from_start=False)
        options = ("-frames:v", "1", "-an", *png(directory / self._drawing))
        return Branch(options, chain=chain), witness(self.stream, "anull")

    def _sampled(self, film: Film) -> tuple[str, ...]:
        """One channel of it; of long tracks an even part, since showwavespic keeps all in memory."""
        sound = film.sound(self.stream)
        samples = sound_seconds(film, self.stream) * (sound.rate if sound else 0)
        mono, every = "aformat=channel_layouts=mono", ceil(samples / _DRAWN_SAMPLES)
        if every <= 1:
            return (mono,)
        few = f"asetnsamples=n={_SAMPLED_TOGETHER},aselect='not(mod(n,{every}))'"
        # Once more: 8.0 keeps all of the sound that a few samples were cut out of.
        return (mono, few, f"asetnsamples=n={16 * _SAMPLED_TOGETHER}:p=0")

    def _extent(self, film: Film) -> tuple[int, int]:
        """Between which columns of the drawing there is sound."""
        sound = film.sound(self.stream)
        begins = (sound.begins if sound else None) or 0.0
        ends = begins + sound_seconds(film, self.stream)
        scale = self.width / (film.duration_seconds or ends)
        left = min(round(begins * scale), self.width - 1)
        return left, max(left + 1, min(round(ends * scale), self.width))

    @property
    def _drawing(self) -> str:
        return f"{self.name}.drawing.tmp"

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`."""
        missing = passed.missing(passed.seconds, sound_seconds(passed.film, self.stream))
        drawing = passed.written(self._drawing)
        try:
            made = await passed.tools.pictures.render(drawing, self.targets, passed.work)
            return lacking(missing, made)
        finally:
            drawing.unlink(missing_ok=True)
