"""What a file says about itself, and a hash to find pictures that look alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.process.image.engine import Pixels
from services.process.image.readings.likeness import likeness

SIDE_PIXELS = 72


@dataclass(frozen=True, slots=True)
class Metadata:
    """Dimensions, format, orientation, date, camera, and a perceptual hash.

    Attributes:
        gps: whether the place is told.
    """

    gps: bool

    def __call__(self, pixels: Pixels, source: Path) -> dict[str, Any]:
        """See `Reader`; what the file does not say is left out."""
        from services.process.image.source.header import header  # Pillow, in children alone

        told = {**header(source, gps=self.gps), "perceptualHash": likeness(pixels)}
        return {name: value for name, value in told.items() if value is not None}
