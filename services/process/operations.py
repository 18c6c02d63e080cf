"""All that can be asked of the process service. Light: for the command line, and no codec loaded."""

from typing import Any

from services.process.image.operations import PHOTOS
from services.process.plan import Catalogue, plan
from services.process.video.operations import FILMS
from shared.errors import InvalidJob
from shared.jobs import Operation

CATALOGUES: tuple[Catalogue[Any], ...] = (PHOTOS, FILMS)


def validate(operations: tuple[Operation, ...] | None) -> None:
    """Return if `operations` suit some kind of media; which one the source is shows later.

    Raises:
        InvalidJob: the operation that none knows, or what is wrong by the catalogue that
            knows most of them.
    """
    if operations is None:
        return
    _refuse_unknown(operations)
    refusals = {catalogue.noun: _refusal(operations, catalogue) for catalogue in CATALOGUES}
    if None in refusals.values():
        return
    closest = max(CATALOGUES, key=lambda catalogue: sum(o.op in catalogue for o in operations))
    raise InvalidJob(str(refusals[closest.noun]))


def _refuse_unknown(operations: tuple[Operation, ...]) -> None:
    for place, operation in enumerate(operations):
        if not any(operation.op in catalogue for catalogue in CATALOGUES):
            known = "; ".join(f"for a {c.noun}: {c.names}" for c in CATALOGUES)
            raise InvalidJob(
                f"operations.{place}: no operation '{operation.op}'. There are {known}"
            )


def _refusal(operations: tuple[Operation, ...], catalogue: Catalogue[Any]) -> InvalidJob | None:
    try:
        plan(operations, catalogue)
    except InvalidJob as error:
        return error
    return None
