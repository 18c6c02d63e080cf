"""What all operations on films have in common."""

from services.process.plan import Recipe
from services.process.video.film import Film, Rendition, Still


class FilmRecipe(Recipe):
    """An operation on films: it says which files it wants of one.

    The renditions of all operations are encoded together, in one passage through the film.
    """

    def renditions(self, film: Film) -> tuple[Rendition, ...]:
        """The encoded films."""
        return ()

    def stills(self) -> tuple[Still, ...]:
        """The pictures."""
        return ()
