"""The engine on a GPU: Pillow reads and writes, the GPU resizes and blurs to the same pixels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from services.process.image.engine import Limits, Rendered, Wish
from services.process.image.gpu.line import Line, Use
from services.process.image.gpu.raster import GpuRaster
from services.process.image.pillow.codecs import versions
from services.process.image.pillow.engine import Pillow
from services.process.image.recipe import Recipes

LINE = Line()  # of this process, which makes one picture at a time


class Cuda:
    """Gives the files that Pillow's engine gives, with the same recipes.

    So it makes no difference but in time whether the GPU could do its part. Only what the GPU
    decoded (`Limits.gpu_decode`) has a recipe of its own.
    """

    name = "cuda"
    animates = True

    def __init__(self, limits: Limits, line: Line = LINE) -> None:
        """Loads all codecs, so that the first picture does not wait for them."""
        self._line = line
        self._limits = limits
        self._pillow = Pillow(limits, GpuRaster(line, decodes=limits.gpu_decode))
        self.formats = self._pillow.formats

    def render(
        self, source: Path, wishes: Sequence[Wish], directory: Path, threads: int = 1
    ) -> tuple[Rendered, ...]:
        """See `Engine.render`. What the GPU failed at is named after Pillow, which did it."""
        use = self._line.use = Use()
        made = self._pillow.render(source, wishes, directory, threads)
        if use.decoded_by is not None:
            made = self._with_recipes_of(made, use.decoded_by)
        if use.by is None or use.fault is not None:
            return made
        return tuple(replace(rendered, engine=use.by) for rendered in made)

    def _with_recipes_of(self, made: tuple[Rendered, ...], decoder: str) -> tuple[Rendered, ...]:
        wishes = [rendered.wish for rendered in made]
        libraries = f"{versions()}, {decoder}"
        recipes = Recipes.of(wishes, libraries, self._limits.watermarks)
        return tuple(replace(one, recipe=recipes.digest(one.wish)) for one in made)
