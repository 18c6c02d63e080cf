"""What all operations on photos have in common."""

from abc import abstractmethod
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from services.process.image.engine import Format, Target
from services.process.plan import Recipe


class Picture(Recipe):
    """An operation on photos: it names the files that it wants made."""

    @abstractmethod
    def targets(self) -> tuple[Target, ...]:
        """The output files; all have the recipe's name, each its own extension."""


def _as_formats(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        return value
    return tuple(dict.fromkeys("jpeg" if name == "jpg" else name for name in names))


Side = Annotated[int, Field(ge=1, le=65500, description="Pixels.")]
Quality = Annotated[int, Field(ge=1, le=100, description="1 to 100; means nothing for PNG.")]
Formats = Annotated[
    tuple[Format, ...],
    BeforeValidator(_as_formats),
    Field(min_length=1, max_length=4, description="One file is made in each."),
]
