"""How files of pictures are encoded: parameters of every operation that makes any."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.process.image.operations.picture import Formats
from services.process.image.operations.quality import Quality
from services.process.plainly import plainly
from services.process.plan import Recipe

_Effort = Annotated[
    Literal["fast", "balanced", "best"] | Annotated[int, Field(ge=0, le=9)],
    plainly("fast, balanced, best, or a whole number from 0 to 9"),
]


class Coded(Recipe):
    """An operation whose outputs are pictures, in one or more formats."""

    formats: Formats = ("webp",)
    quality: Quality = 80
    target: float = Field(
        default=75,
        ge=30,
        le=95,
        description="The SSIMULACRA2 that every file reaches if `quality` is auto.",
    )
    effort: _Effort = Field(
        default="balanced",
        description="How long the encoder may search for a smaller file: a word, or 0 to 9.",
    )

    @model_validator(mode="after")
    def _has_the_formats_of_its_qualities(self) -> Self:
        named = dict(self.quality) if isinstance(self.quality, tuple) else {}
        if other := [kind for kind in named if kind not in self.formats]:
            raise ValueError(f"quality: '{other[0]}' is not among the formats")
        return self
