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
from services.process.video.ffmpeg.drawing import BYTES_PER_SAMPLE, Drawing, samples
from services.process.video.ffmpeg.filling import filled, sampling_rate
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
        return (*self.files, self._samples, self._drawing)

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One of samples, and one that tells how far the sound went: all of it, and to its end."""
        sound = film.sound(self.stream)
        chain = filled(self.stream, sound, *self._sampled(film), from_start=False)
        written = samples(directory / self._samples, self._rate(film))
        return Branch(written, chain=chain), witness(self.stream, "anull")

    def _rate(self, film: Film) -> int:
        return sampling_rate(film.sound(self.stream))

    def _sampled(self, film: Film) -> tuple[str, ...]:
        """One channel of it; of long tracks an even part, since a drawing keeps all in memory."""
        mono, every = "aformat=channel_layouts=mono", self._every(film)
        if every <= 1:
            return (mono,)
        return mono, f"asetnsamples=n={_SAMPLED_TOGETHER},aselect='not(mod(n,{every}))'"

    def _every(self, film: Film) -> int:
        """Of how many samples one is drawn."""
        return ceil(sound_seconds(film, self.stream) * self._rate(film) / _DRAWN_SAMPLES)

    def _look(self, film: Film, samples: int) -> Drawing:
        """The drawing, of so many samples: between which columns they are is their time."""
        sound = film.sound(self.stream)
        begins = (sound.begins if sound else None) or 0.0
        heard = samples / self._rate(film) * max(1, self._every(film))
        ends = begins + min(heard, sound_seconds(film, self.stream))
        scale = self.width / (film.duration_seconds or ends)
        left = min(round(begins * scale), self.width - 1)
        right = max(left + 1, min(round(ends * scale), self.width))
        return Drawing(self.width, self.height, left, right, self.colour)

    @property
    def _samples(self) -> str:
        return f"{self.name}.samples.tmp"

    @property
    def _drawing(self) -> str:
        return f"{self.name}.drawing.tmp"

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`."""
        missing = passed.missing(passed.seconds, sound_seconds(passed.film, self.stream))
        heard, drawing = passed.written(self._samples), passed.directory / self._drawing
        try:
            look = self._look(passed.film, heard.stat().st_size // BYTES_PER_SAMPLE)
            await passed.tools.draw(heard, self._rate(passed.film), look, drawing, passed.work)
            made = await passed.tools.pictures.render(drawing, self.targets, passed.work)
            return lacking(missing, made)
        finally:
            heard.unlink()
            drawing.unlink(missing_ok=True)
