"""`palette`: the colours that the photo mostly has."""

from pydantic import Field

from services.process.image.engine import Reading
from services.process.image.operations.reading import Told
from services.process.image.readings.palette import SIDE_PIXELS, Palette


class Colours(Told):
    """JSON: `colours`, each with its `colour` (#rrggbb) and its `share`, the largest first."""

    count: int = Field(default=5, ge=1, le=16, description="The most colours.")

    def wishes(self) -> tuple[Reading, ...]:
        """One file."""
        return self.reading(Palette(self.count), SIDE_PIXELS)
