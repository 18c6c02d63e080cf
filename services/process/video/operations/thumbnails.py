"""`thumbnails`: several pictures, spread over the film."""

from pydantic import Field

from services.process.image.operations.picture import Side
from services.process.video.film import Film, Series
from services.process.video.operations.pictured import Pictured


class Thumbnails(Pictured):
    """Pictures at equal distances, as WebP up to 320 pixels wide: `<name>-1` and so on."""

    count: int = Field(default=5, ge=1, le=50, description="How many.")
    width: Side = 320

    @property
    def longest_name(self) -> str:
        """The last one's."""
        return f"{self.name}-{self.count}"

    def snaps(self, film: Film) -> tuple[Series, ...]:
        """One series."""
        step = film.picture_seconds / self.count
        numbers = range(1, self.count + 1)
        times = tuple((number - 0.5) * step for number in numbers)
        pictures = tuple(self.of_picture(f"{self.name}-{n}") for n in numbers)
        return (Series(times, pictures, self.salvage),)
