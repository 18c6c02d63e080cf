"""What the process stage asks of each kind of media; pictures and films are the two so far."""

from pathlib import Path
from typing import Protocol

from services.process.plan import Catalogue, Recipe
from shared.jobs import Operation, Output
from shared.work import Work


class Media(Protocol):
    """One kind of media: which operations it knows, and how it makes their outputs."""

    @property
    def catalogue(self) -> Catalogue[Recipe]:
        """The operations and presets of this kind."""
        ...

    async def make(
        self, source: Path, operations: tuple[Operation, ...] | None, work: Work
    ) -> tuple[Output, ...]:
        """Make all outputs of `operations` from `source` inside `work.directory`.

        Decoding and encoding happen in child processes. When this is cancelled, they are
        killed before it returns.

        Raises:
            InvalidJob: an operation or a parameter is wrong; the message names it.
            CorruptMedia, UnsupportedMedia, TimeLimit: the source can never be processed.
            EngineUnavailable: a child died; another attempt may go well.
        """
        ...
