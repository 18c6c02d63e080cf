"""`thumbhash`: a placeholder of some 25 bytes, with proportions and transparency."""

from services.process.image.engine import Reading
from services.process.image.operations.reading import Told
from services.process.image.readings.thumbhash import SIDE_PIXELS, ThumbHash


class ThumbHashed(Told):
    """JSON: `thumbHash`, in Base64."""

    def wishes(self) -> tuple[Reading, ...]:
        """One file."""
        return self.reading(ThumbHash(), SIDE_PIXELS)
