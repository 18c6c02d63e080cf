"""`convert`: the photo at its own size, in other formats."""

from services.process.image.look import Look
from services.process.image.operations.encoded import Encoded


class Convert(Encoded):
    """The photo upright and in sRGB, at its own size unless a format has none so large."""

    def look(self) -> Look:
        """All of it."""
        return Look()
