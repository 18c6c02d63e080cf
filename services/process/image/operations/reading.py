"""Operations whose output is JSON: something that is told of the photo."""

from services.process.image.engine import Reader, Reading
from services.process.image.operations.picture import Picture


class Told(Picture):
    """An operation that shows a reader the photo, small."""

    def reading(self, reader: Reader, side: int) -> tuple[Reading, ...]:
        """One file: what `reader` says of the photo within `side`×`side` pixels."""
        return (Reading(name=self.name, reader=reader, width=side, height=side),)
