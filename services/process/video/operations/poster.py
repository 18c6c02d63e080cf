"""`poster`: the picture that stands for the film."""

from typing import ClassVar

from pydantic import Field

from services.process.video.film import Film, Still
from services.process.video.operations.parameters import Place, seconds_at
from services.process.video.operations.pictured import Pictured


class Poster(Pictured):
    """One picture of the film, as WebP up to 1280 pixels wide, or what is made of it."""

    reads_all: ClassVar[bool] = False

    at: Place | None = Field(
        default=None,
        description="Seconds from the start, or a share of the film (`25%`); the film's end if"
        " that is earlier. By default the first clear picture after the opening is looked for.",
    )

    @property
    def longest_name(self) -> str:
        """The only one."""
        return self.name

    def snaps(self, film: Film) -> tuple[Still, ...]:
        """One picture."""
        at = None if self.at is None else seconds_at(self.at, film)
        return (Still(at, self.of_picture(self.name)),)
