"""`storyboard`: what a player shows above its bar: small pictures of the whole film."""

from pydantic import Field

from services.process.image.engine import Format, Target
from services.process.image.operations.quality import FixedQuality
from services.process.video.film import Film, Storyboard
from services.process.video.operations.recipe import FilmRecipe

_USUAL_COUNT = 100
_MOST = 200


class Board(FilmRecipe):
    """One sheet of pictures and a WebVTT text that tells which is when.

    Both are one output, stored below `<name>/`: `index.vtt`, and the sheet beside it.
    """

    interval_seconds: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="Time between two pictures; by default a hundredth of the film, at least a"
        " second. Longer where there would be more than 200.",
    )
    width: int = Field(default=160, ge=16, le=320, description="Of each picture, in pixels.")
    format: Format = "webp"
    quality: FixedQuality = 70

    def snaps(self, film: Film) -> tuple[Storyboard, ...]:
        """One board."""
        seconds = max(film.picture_seconds, 0.04)
        wanted = self.interval_seconds or max(1.0, seconds / _USUAL_COUNT)
        interval = max(wanted, seconds / _MOST)
        width = min(self.width, film.width)
        return (
            Storyboard(
                name=self.name,
                interval=interval,
                count=max(1, min(_MOST, round(seconds / interval))),
                width=width,
                height=max(1, min(2 * self.width, round(width * film.height / film.width))),
                sheet=Target(name=self.name, format=self.format, quality=self.quality),
                salvage=self.salvage,
            ),
        )
