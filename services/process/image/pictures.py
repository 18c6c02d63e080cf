"""Photos: from operations to files, made in child processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from services.process.image.engine import Limits, Rendered, Wish
from services.process.image.operations import PHOTOS
from services.process.image.operations.picture import Picture
from services.process.image.select import EngineName, render, render_on_gpu
from services.process.image.watermark import file_of
from services.process.plan import Catalogue, plan
from services.process.pools import Pool
from services.process.told import told
from shared.jobs import Operation, Output
from shared.work import Work

if TYPE_CHECKING:
    from services.process.image.gpu.gpu import Gpu

VALUE_BYTES = 8192  # of all JSON that one job's messages carry; the rest is in its files alone


@dataclass(frozen=True)
class Pictures:
    """The photo half of the process stage.

    One child makes all outputs of a photo, for two would each decode it. It encodes on one thread
    more for each child that has nothing to do meanwhile, so that a photo alone has all cores.

    Attributes:
        seconds: how long one photo may take.
        gpu: where it is used: for the engine `cuda`.
        catalogue: the operations on photos, with the presets of this service.
    """

    pool: Pool
    engine: EngineName
    limits: Limits
    seconds: float
    gpu: "Gpu | None" = None
    catalogue: Catalogue[Picture] = PHOTOS

    async def make(
        self, source: Path, operations: tuple[Operation, ...] | None, work: Work
    ) -> tuple[Output, ...]:
        """See `Media.make`."""
        outputs = await self.apply(source, plan(operations, self.catalogue), work)
        work.progress(100)
        return within_bounds(outputs)

    async def apply(
        self, source: Path, recipes: Sequence[Picture], work: Work
    ) -> tuple[Output, ...]:
        """Make all outputs of `recipes` from the picture `source`; see `render` for the errors."""
        wishes = tuple(wish for recipe in recipes for wish in recipe.wishes())
        made = await self._rendered(source, wishes, work)
        return (*_outputs(made, work), *_conclusions(recipes, made, work))

    async def render(self, source: Path, wishes: Sequence[Wish], work: Work) -> tuple[Output, ...]:
        """Make `wishes` from the picture `source` as files in `work.directory`, in their order.

        Raises:
            InvalidJob: there is no such watermark, or it cannot be read.
            UnsupportedMedia, CorruptMedia, SourceTooLarge: what is wrong with the picture.
            TimeLimit, EngineUnavailable: see `Pool.call`.
        """
        return tuple(_outputs(await self._rendered(source, wishes, work), work))

    async def _rendered(
        self, source: Path, wishes: Sequence[Wish], work: Work
    ) -> tuple[Rendered, ...]:
        for wish in wishes:
            if wish.watermark is not None:
                file_of(wish.watermark, self.limits.watermarks)
        if not wishes:
            return ()
        threads = self.pool.size
        call = partial(self.pool.call, seconds=self.seconds, work=work, threads=threads)
        asked = (source.absolute(), tuple(wishes), work.directory.absolute(), threads)
        if self.gpu is None:
            return await call(render, self.engine, self.limits, *asked)
        if self.gpu.resting:
            self.gpu.tally.passed_over()
            return await call(render, "pillow", self.limits, *asked)
        made, use = await call(render_on_gpu, self.limits, *asked)
        self.gpu.told(use)
        return made


def _outputs(made: Sequence[Rendered], work: Work) -> Iterator[Output]:
    for rendered in made:
        wish = rendered.wish
        yield Output(
            name=wish.name,
            ext=wish.extension,
            path=work.relative(work.directory / wish.file),
            size=rendered.size,
            sha256=rendered.sha256,
            media_type=wish.media_type,
            width=rendered.width,
            height=rendered.height,
            engine=rendered.engine,
            recipe=rendered.recipe,
            value=rendered.value,
            score=None if rendered.score is None else round(rendered.score, 2),
        )


def _conclusions(
    recipes: Sequence[Picture], made: Sequence[Rendered], work: Work
) -> Iterator[Output]:
    """What there is to say now that all pictures are made."""
    for recipe in recipes:
        if (value := recipe.conclusion(made)) is not None:
            yield told(recipe.name, value, work, names_urls=True)


def within_bounds(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Messages are small: values that would be too much stay in their files alone."""
    room, kept = VALUE_BYTES, list[Output]()
    for output in outputs:
        size = output.size if output.value is not None else 0
        kept.append(output if size <= room else output.model_copy(update={"value": None}))
        room -= size if size <= room else 0
    return tuple(kept)
