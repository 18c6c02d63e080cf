"""What all operations on films have in common."""

from typing import ClassVar

from services.process.plan import Recipe
from services.process.video.film import Film, Still
from services.process.video.products.product import Product


class FilmRecipe(Recipe):
    """An operation on films: it says what it wants of one.

    Attributes:
        needs_pictures: whether it makes no sense for sound alone.

    The products of all operations that need the same part of the film come out of one passage.
    """

    needs_pictures: ClassVar[bool] = True

    def products(self, film: Film) -> tuple[Product, ...]:
        """What ffmpeg makes."""
        return ()

    def stills(self) -> tuple[Still, ...]:
        """The single pictures."""
        return ()
