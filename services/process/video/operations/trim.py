"""`trim`: a part of the film."""

from typing import Self

from pydantic import Field, model_validator

from services.process.video.ffmpeg.branch import Window
from services.process.video.ffmpeg.codecs import Preset
from services.process.video.film import Film
from services.process.video.operations.parameters import Kbps, Seconds, scaled_to
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.products.rendition import Rendition
from shared.errors import InvalidJob


class Trim(FilmRecipe):
    """A part of the film at its own size: H.264 and AAC in MP4, cut at the very picture."""

    start: Seconds = 0
    end: Seconds | None = Field(default=None, description="Seconds; by default the film's end.")
    crf: int = Field(default=20, ge=0, le=51, description="x264's quality; lower is better.")
    preset: Preset = Field(default="veryfast", description="x264's trade of time for size.")
    audio: bool = Field(default=True, description="Whether the sound is kept, in stereo.")
    audio_kbps: Kbps = 128

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("end: must be later than start")
        return self

    def products(self, film: Film) -> tuple[Rendition, ...]:
        """One file."""
        if self.start >= film.picture_seconds:
            raise InvalidJob(
                f"{self.name}: start {self.start:g} is behind the film's end"
                f" ({film.picture_seconds:.1f} seconds)"
            )
        seconds = None if self.end is None else self.end - self.start
        sound = self.audio_kbps if self.audio and film.audio_stream is not None else None
        width, height = scaled_to(film, film.width)
        window = Window(self.start, seconds)
        return (
            Rendition(
                *(self.name, width, height, self.crf, self.preset, sound),
                window=window,
                salvage=self.salvage,
            ),
        )
