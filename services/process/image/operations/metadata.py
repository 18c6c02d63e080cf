"""`metadata`: what the file says about itself."""

from typing import ClassVar

from pydantic import Field

from services.process.image.engine import Reading
from services.process.image.operations.reading import Told
from services.process.image.readings.metadata import SIDE_PIXELS, Metadata


class Facts(Told):
    """JSON: dimensions, format, orientation, date, camera and a perceptual hash."""

    needs_whole: ClassVar[bool] = True

    gps: bool = Field(default=False, description="Whether the place is told too.")

    def wishes(self) -> tuple[Reading, ...]:
        """One file."""
        return self.reading(Metadata(self.gps), SIDE_PIXELS)
