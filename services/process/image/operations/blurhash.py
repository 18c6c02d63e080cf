"""`blurhash`: a placeholder as a short text."""

from typing import Annotated

from pydantic import Field

from services.process.image.engine import Reading
from services.process.image.operations.reading import Told
from services.process.image.readings.blurhash import SIDE_PIXELS, BlurHash

_Waves = Annotated[int, Field(ge=1, le=9)]


class BlurHashed(Told):
    """JSON: `blurHash`. More waves show more detail and make a longer text."""

    across: _Waves = Field(default=4, description="Waves from left to right.")
    down: _Waves = Field(default=3, description="Waves from top to bottom.")

    def wishes(self) -> tuple[Reading, ...]:
        """One file."""
        return self.reading(BlurHash(self.across, self.down), SIDE_PIXELS)
