"""`thumbnails`: several pictures, spread over the film."""

from pydantic import Field

from services.process.image.operations.picture import Formats, Side
from services.process.image.operations.quality import FixedQuality
from services.process.video.film import Film, Series
from services.process.video.operations.parameters import targets
from services.process.video.operations.recipe import FilmRecipe


class Thumbnails(FilmRecipe):
    """Pictures at equal distances, as WebP up to 320 pixels wide: `<name>-1` and so on."""

    count: int = Field(default=5, ge=1, le=50, description="How many.")
    width: Side = 320
    formats: Formats = ("webp",)
    quality: FixedQuality = 80

    def snaps(self, film: Film) -> tuple[Series, ...]:
        """One series."""
        step = film.picture_seconds / self.count
        numbers = range(1, self.count + 1)
        files = (
            targets(f"{self.name}-{number}", self.formats, self.width, self.quality)
            for number in numbers
        )
        return (Series(tuple((number - 0.5) * step for number in numbers), tuple(files)),)
