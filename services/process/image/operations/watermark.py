"""`watermark`: a picture of the operator's over the photo."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from services.process.image.look import Corner, Look, Watermark
from services.process.image.operations.boxed import Boxed
from services.process.image.operations.picture import Share
from shared.jobs import Name


class Watermarked(Boxed):
    """The photo with a watermark, at its own size or in a box."""

    image: Name = Field(
        description="The watermark's file in `WATERMARKS_DIR`, without its extension."
    )
    position: Corner = Field(
        default="bottom-right", description="The corner, side or middle that it stands at."
    )
    scale: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.2, description="Its width, as a share of the output's."
    )
    opacity: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.6, description="1 covers the photo; 0 would not be seen."
    )
    margin: Share = Field(
        default=0.03, description="Distance from the edge, as a share of the shorter side."
    )

    def look(self) -> Look:
        """The box, with the watermark."""
        mark = Watermark(self.image, self.position, self.scale, self.opacity, self.margin)
        return replace(super().look(), watermark=mark)
