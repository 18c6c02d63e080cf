"""Operations that take pictures out of a film and have files made of them, as of photos."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializeAsAny,
    TypeAdapter,
    ValidationInfo,
    model_validator,
)

from services.process.image.look import Look
from services.process.image.operations import PHOTOS
from services.process.image.operations.coded import Coded
from services.process.image.operations.encoded import Encoded
from services.process.image.operations.picture import Picture, Side
from services.process.plainly import plainly
from services.process.plan import plan
from services.process.video.operations.recipe import FilmRecipe
from shared.jobs import Operation

_LONGEST_NAME = 64  # characters, of any output


class PictureOperation(Operation):
    """One thing to make of a film's picture, as it is written for a photo."""


_Written = Annotated[
    tuple[PictureOperation, ...],
    Field(min_length=1, max_length=64),
    plainly("a list of operations and presets of photos", but=(list, tuple)),
]
_WRITTEN: TypeAdapter[tuple[PictureOperation, ...]] = TypeAdapter(_Written)


def _planned(value: Any, info: ValidationInfo) -> tuple[Picture, ...]:
    """What is made of each picture, by the catalogue in the context.

    Raises:
        InvalidJob: one of them is unknown, or a parameter is wrong.
    """
    several = [value] if isinstance(value, str | Mapping) else value
    return plan(_WRITTEN.validate_python(several), info.context or PHOTOS)


class Shown(Encoded):
    """The film's picture itself, no wider than `width`."""

    width: Side

    def look(self) -> Look:
        """All of it."""
        return Look(width=self.width)


class Pictured(Coded, FilmRecipe):
    """An operation that makes files of a film's pictures."""

    width: Side = Field(default=1280, description="Pixels; never enlarged.")
    operations: (
        Annotated[
            tuple[SerializeAsAny[Picture], ...],
            BeforeValidator(_planned, json_schema_input_type=_Written),
        ]
        | None
    ) = Field(
        default=None,
        description="What is made of each picture, by operations and presets as of photos, instead"
        " of the picture itself. Their outputs are called `<name>-<name there>`.",
    )

    @property
    @abstractmethod
    def longest_name(self) -> str:
        """The longest that one of its pictures is called by."""

    def of_picture(self, name: str) -> tuple[Picture, ...]:
        """What is made of the picture of that name."""
        if self.operations is not None:
            return tuple(recipe.below(name) for recipe in self.operations)
        coding = {field: getattr(self, field) for field in Coded.model_fields if field != "name"}
        return (Shown.model_construct(name=name, width=self.width, animation="first", **coding),)

    @model_validator(mode="after")
    def _says_once_what_is_made(self) -> Self:
        itself = {"width", *Coded.model_fields} - {"name"}
        if self.operations is not None and (idle := sorted(itself & self.model_fields_set)):
            raise ValueError(f"{idle[0]}: has no meaning beside operations; say it in those")
        return self

    @model_validator(mode="after")
    def _names_of_pictures_have_room(self) -> Self:
        for recipe in self.of_picture(self.longest_name):
            if len(recipe.name) > _LONGEST_NAME:
                raise ValueError(
                    f"operations: the name '{recipe.name}' has {len(recipe.name)} characters;"
                    f" {_LONGEST_NAME} are possible"
                )
        return self
