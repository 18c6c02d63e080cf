"""Presets of the operator's own: one TOML file for all kinds of media, read once at start.

[photo]
card = ["thumbnail", { op = "resize", name = "card", width = 640, formats = ["webp", "avif"] }]

[film]
clip = [{ op = "poster", at = 3 }]
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from services.process.image.operations import PHOTOS
from services.process.image.operations.picture import Picture
from services.process.plan import Catalogue, Recipe, plan
from services.process.video.operations import FILMS
from services.process.video.operations.recipe import FilmRecipe
from shared.errors import InvalidJob
from shared.jobs import Name, Operation
from shared.wire import sentence

R = TypeVar("R", bound=Recipe)

_NAME: pydantic.TypeAdapter[str] = pydantic.TypeAdapter(Name)


@dataclass(frozen=True)
class Catalogues:
    """What can be asked of each kind of media."""

    photos: Catalogue[Picture] = PHOTOS
    films: Catalogue[FilmRecipe] = FILMS

    @property
    def all(self) -> tuple[Catalogue[Any], ...]:
        """One for each kind."""
        return self.photos, self.films

    @property
    def own(self) -> Iterator[tuple[Catalogue[Any], str, tuple[Operation, ...]]]:
        """The operator's presets, each with its catalogue and its name."""
        for catalogue, built_in in zip(self.all, Catalogues().all, strict=True):
            for name, operations in catalogue.presets.items():
                if built_in.presets.get(name) != operations:
                    yield catalogue, name, operations


def load(path: Path | None) -> Catalogues:
    """The catalogues with the presets of that file; one of a known name takes its place.

    Raises:
        ValueError: what is wrong; names the file, the preset, the operation and the parameter.
    """
    if path is None:
        return Catalogues()
    tables = _tables(path)
    try:
        return _catalogues(tables)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _catalogues(tables: dict[str, Any]) -> Catalogues:
    photos = _extended(PHOTOS, tables.pop(PHOTOS.noun, {}))
    films = _extended(replace(FILMS, inner=photos), tables.pop(FILMS.noun, {}))
    if tables:
        raise ValueError(f"[{min(tables)}]: there are [{PHOTOS.noun}] and [{FILMS.noun}]")
    return Catalogues(photos, films)


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is no TOML: {error}") from None


def _extended(catalogue: Catalogue[R], written: Any) -> Catalogue[R]:
    if not isinstance(written, Mapping):
        raise ValueError(f"{catalogue.noun}: must be a table of presets: [{catalogue.noun}]")
    own = {name: _preset(name, parts, catalogue) for name, parts in written.items()}
    return replace(catalogue, presets={**catalogue.presets, **own})


def _preset(name: str, written: Any, catalogue: Catalogue[Any]) -> tuple[Operation, ...]:
    """The operations of one preset, each of which is known and has right parameters."""
    place = f"preset '{name}' for a {catalogue.noun}"
    if name in catalogue.recipes:
        raise ValueError(f"{place}: there is an operation of this name")
    if not isinstance(written, list) or not written:
        raise ValueError(f"{place}: must be a list of operations")
    try:
        _NAME.validate_python(name)
        operations = tuple(Operation.model_validate(part) for part in written)
        _refuse_presets(operations, catalogue)
        plan(operations, catalogue)
    except pydantic.ValidationError as error:
        raise ValueError(f"{place}: {sentence(error)}") from None
    except InvalidJob as error:
        raise ValueError(f"{place}: {error}") from None
    return operations


def _refuse_presets(operations: Iterable[Operation], catalogue: Catalogue[Any]) -> None:
    for place, operation in enumerate(operations):
        if operation.op in catalogue.presets:
            raise InvalidJob(f"operations.{place}: '{operation.op}' is a preset itself")
