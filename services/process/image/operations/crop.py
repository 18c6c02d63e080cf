"""`crop`: a part of the photo, at its own size."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.process.image.look import Cut, Look
from services.process.image.operations.encoded import Encoded

_Length = Annotated[float, Field(gt=0, le=65535)]
_Distance = Annotated[float, Field(ge=0, le=65535)]


class Crop(Encoded):
    """A rectangle of the upright photo. What sticks out of the photo is left away."""

    left: _Distance = Field(default=0, description="Distance from the photo's left side.")
    top: _Distance = Field(default=0, description="Distance from the photo's upper side.")
    width: _Length = Field(description="The part's width.")
    height: _Length = Field(description="The part's height.")
    unit: Literal["pixels", "percent"] = Field(
        default="pixels", description="Of all four: pixels, or percent of the photo's own sides."
    )

    @model_validator(mode="after")
    def _lies_in_the_photo(self) -> Self:
        if self.unit == "percent" and max(self.left, self.top) >= 100:
            raise ValueError("left, top: below 100 percent, or nothing of the photo is left")
        return self

    def look(self) -> Look:
        """The part."""
        percent = self.unit == "percent"
        return Look(cut=Cut(self.left, self.top, self.width, self.height, percent=percent))
