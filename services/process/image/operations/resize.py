"""`resize`: the photo at another size, in one or more formats."""

from typing import Self

from pydantic import Field, model_validator

from services.process.image.engine import Fit, Target
from services.process.image.geometry import MAX_SIDE_PIXELS
from services.process.image.operations.picture import Formats, Picture, Quality, Side


class Resize(Picture):
    """Fit the photo into a box. It is never enlarged."""

    width: Side | None = Field(default=None, description="The box's width in pixels.")
    height: Side | None = Field(default=None, description="The box's height in pixels.")
    fit: Fit = Field(
        default="inside",
        description="`inside` the box, just `outside` it, or `cover` it and cut the rest.",
    )
    formats: Formats = ("webp",)
    quality: Quality = 80

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.width is None and self.height is None:
            raise ValueError("width: give a width, a height, or both")
        if self.fit != "inside" and (self.width is None or self.height is None):
            missing = "width" if self.width is None else "height"
            raise ValueError(f"{missing}: the fit '{self.fit}' needs width and height")
        self._refuse_too_large()
        return self

    def _refuse_too_large(self) -> None:
        for kind in self.formats:
            for side in ("width", "height"):
                if (getattr(self, side) or 0) > MAX_SIDE_PIXELS[kind]:
                    raise ValueError(
                        f"{side}: {kind} pictures have at most"
                        f" {MAX_SIDE_PIXELS[kind]} pixels a side"
                    )

    def targets(self) -> tuple[Target, ...]:
        """One file in each format."""
        return tuple(
            Target(
                name=self.name,
                format=kind,
                width=self.width,
                height=self.height,
                fit=self.fit,
                quality=self.quality,
            )
            for kind in self.formats
        )
