"""Operations whose outputs are pictures, in one or more formats."""

from abc import abstractmethod
from dataclasses import fields
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from services.process.image.engine import Format, Metadata, Target
from services.process.image.look import Colour, Look
from services.process.image.operations.picture import Background, Formats, Picture
from services.process.image.operations.quality import Quality, quality_of
from services.process.plainly import plainly

_Effort = Annotated[
    Literal["fast", "balanced", "best"] | Annotated[int, Field(ge=0, le=9)],
    plainly("fast, balanced, best, or a whole number from 0 to 9"),
]


class Encoded(Picture):
    """An operation that shows the photo in some way: one file in each format."""

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
    background: Background | None = Field(
        default=None,
        description="What transparency is laid on, #rrggbb. By default it stays where the format"
        " has it, and becomes white in JPEG.",
    )
    animation: Literal["keep", "first"] = Field(
        default="keep",
        description="All frames of an animation, where the format has them (WebP, AVIF, PNG), or the first.",
    )
    metadata: Metadata = Field(
        default="none",
        description="What of the source's metadata is taken over: `none`; `exif` without places and"
        " names; `all` of EXIF, with them.",
    )

    @abstractmethod
    def look(self) -> Look:
        """What the files show."""

    def wishes(self) -> tuple[Target, ...]:
        """One file in each format."""
        look = self.look()
        shown = {field.name: getattr(look, field.name) for field in fields(look)}
        return tuple(
            Target(
                name=self.name,
                format=kind,
                **self._quality(kind),
                effort=self.effort,
                background=_colour(self.background),
                animated=self.animation == "keep",
                metadata=self.metadata,
                **shown,
            )
            for kind in self.formats
        )

    def _quality(self, kind: Format) -> dict[str, Any]:
        own: int = type(self).model_fields["quality"].default
        quality = quality_of(kind, self.quality, own)
        if quality == "auto":
            return {"quality": own, "least_score": self.target}
        return {"quality": quality}

    @model_validator(mode="after")
    def _has_the_formats_of_its_qualities(self) -> Self:
        named = dict(self.quality) if isinstance(self.quality, tuple) else {}
        if other := [kind for kind in named if kind not in self.formats]:
            raise ValueError(f"quality: '{other[0]}' is not among the formats")
        return self


def _colour(background: str | None) -> Colour | None:
    if background is None:
        return None
    red, green, blue = bytes.fromhex(background.removeprefix("#"))
    return red, green, blue
