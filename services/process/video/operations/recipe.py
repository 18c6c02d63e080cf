"""What all operations on films have in common."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from services.process.plan import Recipe
from services.process.video.film import Film, Snap
from services.process.video.products.product import Product

# With the longest ending, `-4320p`, the 64 characters that names may have.
LONGEST_NAME = 58


class FilmRecipe(Recipe):
    """An operation on films: it says what it wants of one.

    Attributes:
        needs_pictures: whether it makes no sense for sound alone.
        reads_all: whether it reads the film to its end.

    The products of all operations that need the same part of the film come out of one passage.
    """

    needs_pictures: ClassVar[bool] = True
    reads_all: ClassVar[bool] = True

    salvage: bool = Field(
        default=False, description="Whether of a damaged film is made what can be decoded of it."
    )

    @model_validator(mode="after")
    def _name_has_room(self) -> Self:
        if len(self.name) > LONGEST_NAME:
            raise ValueError(f"name: at most {LONGEST_NAME} characters, since more is added to it")
        return self

    def products(self, film: Film) -> tuple[Product, ...]:
        """What ffmpeg makes."""
        return ()

    def snaps(self, film: Film) -> tuple[Snap, ...]:
        """Its pictures, which are found by key frames."""
        return ()

    def told(self, film: Film) -> dict[str, Any] | None:
        """What it says of the film, as JSON."""
        return None
