"""From what a user wrote under `operations` to validated operations. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from shared.errors import InvalidJob
from shared.jobs import Name, Operation
from shared.wire import sentence


class Recipe(BaseModel):
    """An operation with its parameters. Each kind of operation is a subclass in its own file.

    Fields are hashable (tuples, not lists).

    Attributes:
        name: what its outputs are called; the operation's name unless the user says otherwise.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, frozen=True, extra="forbid"
    )

    name: Name


R_co = TypeVar("R_co", bound=Recipe, covariant=True)


@dataclass(frozen=True)
class Catalogue(Generic[R_co]):
    """The operations of one kind of media.

    Attributes:
        noun: what the media are called in sentences for people (`photo`).
        recipes: operation name → its class.
        presets: preset name → the operations that it stands for.
        default: the preset that is used where a job names no operations.
        inner: the operations that some of these take as a parameter: photos' for a film's pictures.
        shared: the parameters that all recipes have; presets take them as well.
    """

    noun: str
    recipes: Mapping[str, type[R_co]]
    presets: Mapping[str, tuple[Operation, ...]]
    default: str
    inner: "Catalogue[Any] | None" = None
    shared: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        return name in self.recipes or name in self.presets

    @property
    def names(self) -> str:
        """All operations and presets, for a sentence."""
        return ", ".join(sorted({*self.recipes, *self.presets}))


def plan(operations: tuple[Operation, ...] | None, catalogue: Catalogue[R_co]) -> tuple[R_co, ...]:
    """The validated operations, presets replaced by what they stand for.

    The very same operation twice (a preset, and a part of it) counts once.

    Raises:
        InvalidJob: names the operation, by its place, and the parameter.
    """
    wanted = operations or (Operation(op=catalogue.default),)
    recipes = tuple(
        dict.fromkeys(
            recipe
            for place, operation in enumerate(wanted)
            for recipe in _recipes(f"operations.{place}", operation, catalogue)
        )
    )
    _refuse_same_names(recipes)
    return recipes


def _recipes(place: str, operation: Operation, catalogue: Catalogue[R_co]) -> Iterator[R_co]:
    if operation.op in catalogue.presets:
        _refuse_own(place, operation, catalogue)
        for part in catalogue.presets[operation.op]:
            given = {**part.parameters, **operation.parameters}
            yield _recipe(place, Operation(op=part.op, name=part.name, **given), catalogue)
    else:
        yield _recipe(place, operation, catalogue)


def _refuse_own(place: str, operation: Operation, catalogue: Catalogue[R_co]) -> None:
    """Refuse what a preset cannot pass on to every one of its operations."""
    if operation.name or operation.parameters.keys() - catalogue.shared:
        but = "".join(f" but '{name}'" for name in sorted(catalogue.shared))
        raise InvalidJob(f"{place}: the preset '{operation.op}' takes no parameters{but}")


def _recipe(place: str, operation: Operation, catalogue: Catalogue[R_co]) -> R_co:
    recipe = catalogue.recipes.get(operation.op)
    if recipe is None:
        raise InvalidJob(
            f"{place}: no operation '{operation.op}' for a {catalogue.noun};"
            f" there are {catalogue.names}"
        )
    _refuse_unknown(place, operation, recipe)
    try:
        return recipe.model_validate(
            {**operation.parameters, "name": operation.name or operation.op},
            context=catalogue.inner,
        )
    except pydantic.ValidationError as error:
        raise InvalidJob(f"{place} ({operation.op}): {sentence(error)}") from None
    except InvalidJob as error:  # in one of the operations that are its parameter
        raise InvalidJob(f"{place} ({operation.op}): {error}") from None


def _refuse_unknown(place: str, operation: Operation, recipe: type[Recipe]) -> None:
    fields: dict[str, Any] = dict(recipe.model_fields)
    known = {to_camel(field) for field in fields}
    unknown = [name for name in operation.parameters if name not in known | fields.keys()]
    if unknown:
        raise InvalidJob(
            f"{place} ({operation.op}): no parameter '{unknown[0]}';"
            f" there are {', '.join(sorted(known))}"
        )


def _refuse_same_names(recipes: tuple[Recipe, ...]) -> None:
    names = [recipe.name for recipe in recipes]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InvalidJob(
            f"operations: the name '{min(twice)}' stands for two outputs; give one another name"
        )
