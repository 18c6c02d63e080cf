"""`resize`: the photo at another size, in one or more formats."""

from typing import Self

from pydantic import model_validator

from services.process.image.operations.boxed import Boxed


class Resize(Boxed):
    """Fit the photo into a box. It is never enlarged."""

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        if self.width is None and self.height is None:
            raise ValueError("width: give a width, a height, or both")
        return self
