"""`captions`: the film's text captions as WebVTT."""

from typing import ClassVar

from services.process.video.film import Film
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.products.captions import CaptionFile
from shared.errors import UnsupportedMedia


class CaptionTexts(FilmRecipe):
    """A WebVTT file for each track of text: `<name>-1` and so on."""

    needs_pictures: ClassVar[bool] = False

    def products(self, film: Film) -> tuple[CaptionFile, ...]:
        """One file for each track."""
        texts = [track for track in film.captions if track.text]
        if not texts:
            raise UnsupportedMedia("The film has no captions that are text.")
        return tuple(
            CaptionFile(f"{self.name}-{number}", track.stream, track.language, salvage=self.salvage)
            for number, track in enumerate(texts, start=1)
        )
