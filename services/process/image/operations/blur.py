"""`blur`: a small blurred preview."""

from dataclasses import replace

from pydantic import Field

from services.process.image.look import Look
from services.process.image.operations.encoded import Animation
from services.process.image.operations.picture import Side
from services.process.image.operations.quality import Quality
from services.process.image.operations.resize import Resize


class Blur(Resize):
    """The photo within 320×320 pixels, blurred; every parameter of `resize` can change that."""

    width: Side | None = 320
    height: Side | None = 320
    quality: Quality = 60
    animation: Animation = "first"
    radius: float = Field(
        default=8.0,
        gt=0,
        le=200,
        description="Standard deviation of the Gaussian blur, in pixels of the output.",
    )

    def look(self) -> Look:
        """The box, blurred."""
        return replace(super().look(), blur=self.radius)
