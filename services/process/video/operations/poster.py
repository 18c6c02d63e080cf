"""`poster`: the picture that stands for the film."""

from pydantic import Field

from services.process.image.operations.picture import Formats, Side
from services.process.image.operations.quality import FixedQuality
from services.process.video.film import Film, Still
from services.process.video.operations.parameters import Place, seconds_at, targets
from services.process.video.operations.recipe import FilmRecipe


class Poster(FilmRecipe):
    """One picture of the film, as WebP up to 1280 pixels wide; it is never enlarged."""

    at: Place | None = Field(
        default=None,
        description="Seconds from the start, or a share of the film (`25%`); the film's end if"
        " that is earlier. By default the first clear picture after the opening is looked for.",
    )
    width: Side = 1280
    formats: Formats = ("webp",)
    quality: FixedQuality = 80

    def snaps(self, film: Film) -> tuple[Still, ...]:
        """One picture, in each format."""
        at = None if self.at is None else seconds_at(self.at, film)
        return (Still(at, targets(self.name, self.formats, self.width, self.quality)),)
