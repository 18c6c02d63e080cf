"""What presets of the operator's own take that this machine does not have: found at the start."""

from collections.abc import Iterator, Sequence

from services.process.image.engine import Limits, Wish
from services.process.image.operations.picture import Picture
from services.process.image.select import EngineName, engine
from services.process.image.watermark import check as check_watermark
from services.process.plan import Recipe, plan
from services.process.presets import Catalogues
from services.process.video.operations.pictured import Pictured
from shared.errors import MillraceError


def check(catalogues: Catalogues, name: EngineName, limits: Limits) -> None:
    """Return if there is all that they take, whatever the source will be.

    Raises:
        ValueError: there is no such watermark, no codec of a format, or no measure of quality; names
            the preset, the operation and the parameter.
    """
    for catalogue, preset, operations in catalogues.own:
        for place, operation in enumerate(operations):
            try:
                for recipe in plan((operation,), catalogue):
                    _check(tuple(_wishes(recipe)), name, limits)
            except MillraceError as error:
                where = f"preset '{preset}' for a {catalogue.noun}: operations.{place}"
                raise ValueError(f"{where} ({operation.op}): {error}") from None


def _check(wishes: Sequence[Wish], name: EngineName, limits: Limits) -> None:
    """As a job's would be. Loads the engine, and only where there is something to ask it."""
    for wish in wishes:
        if wish.watermark is not None:
            check_watermark(wish.watermark, limits.watermarks)
    if wishes:
        engine(name, limits).require(wishes)


def _wishes(recipe: Recipe) -> Iterator[Wish]:
    pictures = recipe.of_picture(recipe.name) if isinstance(recipe, Pictured) else (recipe,)
    for picture in pictures:
        if isinstance(picture, Picture):
            yield from picture.wishes()
