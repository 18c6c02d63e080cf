"""Operations that fit the photo into a box."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.process.image.engine import MAX_SIDE_PIXELS
from services.process.image.look import Fit, Look
from services.process.image.operations.encoded import Encoded
from services.process.image.operations.picture import Share, Side
from services.process.plainly import plainly

_Focus = Annotated[
    Literal["centre", "attention"] | tuple[Share, Share],
    plainly("centre, attention, or two shares from 0 to 1, such as [0.5, 0.25]"),
]


class Boxed(Encoded):
    """The photo in a box, in one or more formats. It is never enlarged."""

    width: Side | None = Field(default=None, description="The box's width in pixels.")
    height: Side | None = Field(default=None, description="The box's height in pixels.")
    fit: Fit = Field(
        default="inside",
        description="`inside` the box; just `outside` it; `cover` it and cut the rest; `contain`:"
        " inside it, and filled up with the background.",
    )
    focus: _Focus = Field(
        default="centre",
        description="What `cover` keeps: the `centre`; what draws `attention`; or what lies"
        " around a point, in shares of width and height from the top left.",
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.fit != "inside" and (self.width is None or self.height is None):
            missing = "width" if self.width is None else "height"
            raise ValueError(f"{missing}: the fit '{self.fit}' needs width and height")
        if self.fit != "cover" and self.focus != "centre":
            raise ValueError(f"focus: only the fit 'cover' has one, not '{self.fit}'")
        self._refuse_too_large()
        return self

    def _refuse_too_large(self) -> None:
        for kind in self.formats:
            for side in ("width", "height"):
                longest = MAX_SIDE_PIXELS.get(kind)
                if longest and (getattr(self, side) or 0) > longest:
                    raise ValueError(
                        f"{side}: {kind} pictures have at most {longest} pixels a side"
                    )

    def look(self) -> Look:
        """The box."""
        return Look(width=self.width, height=self.height, fit=self.fit, focus=self.focus)
