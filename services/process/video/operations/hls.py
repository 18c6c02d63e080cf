"""`hls`: the film for adaptive streaming."""

from math import ceil

from pydantic import Field

from services.process.video.ffmpeg.codecs import Preset
from services.process.video.film import Film
from services.process.video.ladder import rungs
from services.process.video.operations.parameters import Heights, Kbps
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.products.adaptive import Adaptive, tracks
from services.process.video.streaming.package import MOST_PIECES, Size
from shared.errors import InvalidJob


class Hls(FilmRecipe):
    """HLS with pieces in fragmented MP4 (CMAF), H.264 and AAC, with a master playlist.

    Its files are one output, stored below `<name>/`: `master.m3u8`, and a folder for each size,
    track of sound and track of captions.
    """

    heights: Heights = (720, 480, 360)
    crf: int = Field(default=23, ge=0, le=51, description="x264's quality; lower is better.")
    preset: Preset = Field(default="veryfast", description="x264's trade of time for size.")
    segment_seconds: float = Field(
        default=4, ge=1, le=30, description="Length of the pieces; each begins with a key frame."
    )
    audio: bool = Field(
        default=True, description="Whether all tracks of sound are kept, in stereo."
    )
    audio_kbps: Kbps = 128
    captions: bool = Field(default=True, description="Whether text captions become WebVTT.")
    dash: bool = Field(default=False, description="Whether a DASH manifest is made, too.")

    def products(self, film: Film) -> tuple[Adaptive, ...]:
        """One set."""
        sizes = tuple(
            Size(f"{min(size)}p", *size) for size in rungs(film.width, film.height, self.heights)
        )
        sounds = film.sounds if self.audio else ()
        self._refuse_too_many(film.duration_seconds, len(sizes) + len(sounds))
        texts = [track for track in film.captions if track.text]
        return (
            Adaptive(
                name=self.name,
                sizes=sizes,
                crf=self.crf,
                preset=self.preset,
                audio_kbps=self.audio_kbps,
                segment_seconds=self.segment_seconds,
                dash=self.dash,
                salvage=self.salvage,
                sounds=tracks("sound", sounds, film.audio_stream),
                captions=tracks("captions", texts if self.captions else ()),
            ),
        )

    def _refuse_too_many(self, seconds: float, streams: int) -> None:
        pieces = streams * ceil(seconds / self.segment_seconds)
        if pieces > MOST_PIECES:
            raise InvalidJob(
                f"{self.name}: segmentSeconds: {pieces} pieces of {self.segment_seconds:g} seconds"
                f" would be made of the film; {MOST_PIECES} are possible"
            )
