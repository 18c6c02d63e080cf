"""What all operations on photos have in common."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BeforeValidator, Field

from services.process.image.engine import Format, Rendered, Wish
from services.process.image.operations.quality import as_format
from services.process.plainly import plainly
from services.process.plan import Recipe


class Picture(Recipe):
    """An operation on photos: it names the files that it wants made.

    Attributes:
        needs_whole: whether it tells of the source's own size, so that a smaller copy would not do.
    """

    needs_whole: ClassVar[bool] = False

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files that come of it."""
        return tuple(wish.file for wish in self.wishes())

    @abstractmethod
    def wishes(self) -> tuple[Wish, ...]:
        """The output files; all have the recipe's name, each its own extension."""

    def conclusion(self, made: Sequence[Rendered]) -> dict[str, Any] | None:
        """What there is to say about all files of the job once they are made, as JSON.

        In it, `{url:small.webp}` stands for the address that this file will have.
        """
        return None

    def below(self, prefix: str) -> Self:
        """The same, its outputs called `<prefix>-<name>`: for one of several pictures of a job."""
        return self.model_copy(update={"name": f"{prefix}-{self.name}"})


def _as_formats(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        return value
    return tuple(dict.fromkeys(map(as_format, names)))


Side = Annotated[int, Field(ge=1, le=65500, description="Pixels.")]
Share = Annotated[float, Field(ge=0, le=1)]
Formats = Annotated[
    tuple[Format, ...],
    BeforeValidator(_as_formats),
    Field(min_length=1, description="One file is made in each."),
    plainly(f"one or more of {', '.join(get_args(Format))}"),
]
Background = Annotated[
    str, Field(pattern=r"^#[0-9A-Fa-f]{6}$", description="A colour: #rrggbb, as in CSS.")
]
