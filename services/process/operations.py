"""All that can be asked of the process service. Light: for the command line, and no codec loaded."""

from collections.abc import Sequence
from typing import Any

from services.process.plan import Catalogue, plan
from services.process.presets import Catalogues
from shared.errors import InvalidJob
from shared.jobs import Operation

CATALOGUES: tuple[Catalogue[Any], ...] = Catalogues().all


def validate(
    operations: tuple[Operation, ...] | None, catalogues: Sequence[Catalogue[Any]] = CATALOGUES
) -> None:
    """Return if `operations` suit some kind of media; which one the source is shows later.

    Raises:
        InvalidJob: the operation that none knows, or what is wrong by the catalogue that
            knows most of them.
    """
    if operations is None:
        return
    _refuse_unknown(operations, catalogues)
    refusals = {catalogue.noun: _refusal(operations, catalogue) for catalogue in catalogues}
    if None in refusals.values():
        return
    closest = max(catalogues, key=lambda catalogue: sum(o.op in catalogue for o in operations))
    raise InvalidJob(str(refusals[closest.noun]))


def _refuse_unknown(
    operations: tuple[Operation, ...], catalogues: Sequence[Catalogue[Any]]
) -> None:
    for place, operation in enumerate(operations):
        if not any(operation.op in catalogue for catalogue in catalogues):
            known = "; ".join(f"for a {c.noun}: {c.names}" for c in catalogues)
            raise InvalidJob(
                f"operations.{place}: no operation '{operation.op}'. There are {known}"
            )


def _refusal(operations: tuple[Operation, ...], catalogue: Catalogue[Any]) -> InvalidJob | None:
    try:
        plan(operations, catalogue)
    except InvalidJob as error:
        return error
    return None
