"""`preview`: some seconds of the film, silent, in a circle."""

from typing import Literal

from pydantic import Field

from services.process.image.operations.quality import FixedQuality
from services.process.video.ffmpeg.branch import Window
from services.process.video.film import Film
from services.process.video.operations.parameters import Place, scaled_to, seconds_at
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.products.preview import Moving, Preview
from services.process.video.products.rendition import Rendition

_CRF = 28


class Moment(FilmRecipe):
    """A short loop: MP4 without sound, or a moving WebP or GIF."""

    at: Place = Field(
        default="10%", description="Where it begins: seconds, or a share of the film (`25%`)."
    )
    seconds: float = Field(default=3, ge=0.1, le=30, description="Its length.")
    width: int = Field(default=480, ge=16, le=1920, description="Pixels; never enlarged.")
    fps: float = Field(default=12, ge=1, le=60, description="Most pictures per second.")
    format: Literal["mp4", "webp", "gif"] = "mp4"
    quality: FixedQuality = 60

    def products(self, film: Film) -> tuple[Preview | Rendition, ...]:
        """One file."""
        first, end = film.picture_begins, film.picture_seconds
        seconds = min(self.seconds, (end - first) or self.seconds)
        begin = min(seconds_at(self.at, film), end - seconds)
        window = Window(max(first, begin), seconds)
        width, height = scaled_to(film, self.width)
        fps = self.fps if not film.frame_rate or film.faster_than(self.fps) else None
        if self.format == "mp4":
            made = Rendition(
                self.name,
                width,
                height,
                _CRF,
                "veryfast",
                None,
                fps=fps,
                window=window,
                salvage=self.salvage,
            )
            return (made,)
        moving: Moving = self.format
        return (Preview(self.name, moving, width, height, fps, self.quality, window, self.salvage),)
