"""`poster`: the picture that stands for the film."""

from pydantic import Field

from services.process.image.engine import Target
from services.process.image.operations.picture import Formats, Quality, Side
from services.process.video.film import Still
from services.process.video.operations.recipe import FilmRecipe


class Poster(FilmRecipe):
    """One picture of the film, as WebP up to 1280 pixels wide; it is never enlarged."""

    at: float | None = Field(
        default=None,
        ge=0,
        le=7 * 86400,
        allow_inf_nan=False,
        description="Seconds from the start; the film's end if that is earlier."
        " By default the first clear picture after the opening is looked for.",
    )
    width: Side = 1280
    formats: Formats = ("webp",)
    quality: Quality = 80

    def stills(self) -> tuple[Still, ...]:
        """One picture, in each format."""
        targets = tuple(
            Target(name=self.name, format=name, width=self.width, quality=self.quality)
            for name in self.formats
        )
        return (Still(self.at, targets),)
