"""Operations that show the photo in some way."""

from abc import abstractmethod
from dataclasses import fields
from typing import Any, Literal

from pydantic import Field

from services.process.image.engine import Format, Metadata, Target
from services.process.image.look import Colour, Look
from services.process.image.operations.coded import Coded
from services.process.image.operations.picture import Background, Picture
from services.process.image.operations.quality import quality_of

Animation = Literal["keep", "first"]


class Encoded(Coded, Picture):
    """An operation that shows the photo in some way: one file in each format."""

    background: Background | None = Field(
        default=None,
        description="What transparency is laid on, #rrggbb. By default it stays where the format"
        " has it, and becomes white in JPEG.",
    )
    animation: Animation = Field(
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


def _colour(background: str | None) -> Colour | None:
    if background is None:
        return None
    red, green, blue = bytes.fromhex(background.removeprefix("#"))
    return red, green, blue
