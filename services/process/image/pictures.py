"""Photos: from operations to files, made in child processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.process.image.engine import Limits, Rendered, Target
from services.process.image.operations import PHOTOS
from services.process.image.select import EngineName, render
from services.process.plan import Catalogue, Recipe, plan
from services.process.pools import Pool
from shared.jobs import Operation, Output
from shared.work import Work


@dataclass(frozen=True)
class Pictures:
    """The photo half of the process stage.

    One child makes all outputs of a photo: two would each decode it, a third more work for a
    fifth less waiting.

    Attributes:
        seconds: how long one photo may take.
    """

    pool: Pool
    engine: EngineName
    limits: Limits
    seconds: float

    @property
    def catalogue(self) -> Catalogue[Recipe]:
        """The operations on photos."""
        return PHOTOS

    async def make(
        self, source: Path, operations: tuple[Operation, ...] | None, work: Work
    ) -> tuple[Output, ...]:
        """See `Media.make`."""
        recipes = plan(operations, PHOTOS)
        targets = [target for recipe in recipes for target in recipe.targets()]
        outputs = await self.render(source, targets, work)
        work.progress(100)
        return outputs

    async def render(
        self, source: Path, targets: Sequence[Target], work: Work
    ) -> tuple[Output, ...]:
        """Make `targets` from the picture `source` as files in `work.directory`, in their order.

        Raises:
            UnsupportedMedia, CorruptMedia, SourceTooLarge: what is wrong with the picture.
            TimeLimit, EngineUnavailable: see `Pool.call`.
        """
        made = await self.pool.call(
            render,
            self.engine,
            self.limits,
            source.absolute(),
            tuple(targets),
            work.directory.absolute(),
            seconds=self.seconds,
            work=work,
        )
        return tuple(_output(rendered, work) for rendered in made)


def _output(rendered: Rendered, work: Work) -> Output:
    target = rendered.target
    return Output(
        name=target.name,
        ext=target.extension,
        path=work.relative(work.directory / target.file),
        size=rendered.size,
        sha256=rendered.sha256,
        media_type=target.media_type,
        width=rendered.width,
        height=rendered.height,
        engine=rendered.engine,
    )
