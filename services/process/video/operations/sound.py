"""`audio` and `waveform`: what is made of a film's sound."""

from typing import ClassVar

from pydantic import Field

from services.process.image.operations.picture import Background, Formats
from services.process.video.ffmpeg.codecs import SoundFormat
from services.process.video.film import Film
from services.process.video.operations.parameters import Kbps, Loudness, targets
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.products.sound import Extract, Waveform
from shared.errors import UnsupportedMedia

Track = Field(default=None, ge=1, le=16, description="Which; by default the one heard unasked.")


class Audio(FilmRecipe):
    """A track of sound as a file of its own."""

    needs_pictures: ClassVar[bool] = False

    format: SoundFormat = "m4a"
    audio_kbps: Kbps = 128
    loudness: Loudness | None = None
    track: int | None = Track

    def products(self, film: Film) -> tuple[Extract, ...]:
        """One file."""
        stream = stream_of(film, self.track)
        return (
            Extract(
                *(self.name, stream, self.format, self.audio_kbps, self.loudness),
                salvage=self.salvage,
            ),
        )


class Wave(FilmRecipe):
    """A track's loudness over time, drawn on nothing."""

    needs_pictures: ClassVar[bool] = False

    width: int = Field(default=1800, ge=16, le=4096, description="Pixels.")
    height: int = Field(default=280, ge=16, le=2160, description="Pixels.")
    colour: Background = "#3b82f6"
    formats: Formats = ("webp",)
    track: int | None = Track

    def products(self, film: Film) -> tuple[Waveform, ...]:
        """One drawing, in each format."""
        made = targets(self.name, self.formats, self.width, 90)
        colour = self.colour.removeprefix("#")
        stream = stream_of(film, self.track)
        return (
            Waveform(
                *(self.name, stream, self.width, self.height, colour, made),
                salvage=self.salvage,
            ),
        )


def stream_of(film: Film, track: int | None) -> int:
    """The number of the track's stream.

    Raises:
        UnsupportedMedia: there is no such track.
    """
    if track is None and film.audio_stream is not None:
        return film.audio_stream
    if track is None or track > len(film.sounds):
        raise UnsupportedMedia(
            f"The film has no track {track} of sound; it has {len(film.sounds)}."
            if track
            else "The film has no sound."
        )
    return film.sounds[track - 1].stream
