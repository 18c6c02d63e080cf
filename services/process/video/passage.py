"""One passage of ffmpeg through a part of a film: all products of that part at once."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace

from services.process.video.ffmpeg import command
from services.process.video.ffmpeg.branch import Branch, Window
from services.process.video.ffmpeg.progress import Progress
from services.process.video.ffmpeg.run import run
from services.process.video.film import Film
from services.process.video.hardware.device import ALL_ON_CPU, Route, routes
from services.process.video.hardware.made import marked
from services.process.video.hardware.trying import first_that_works
from services.process.video.products.product import Passed, Product
from services.process.video.tools import Tools
from shared.jobs import Output
from shared.together import together
from shared.work import Work

Advance = Callable[[Progress, float], None]
"""Hears what ffmpeg says, and how many seconds of the window are made."""

Made = dict[Product, tuple[Output, ...]]


class Passage:
    """A passage through `window` that makes `products`."""

    def __init__(
        self, tools: Tools, film: Film, work: Work, window: Window, products: Sequence[Product]
    ) -> None:
        self._tools = tools
        self._film = film
        self._work = work
        self._window = window
        self._directory = work.directory.absolute()
        self._complained = False
        self._branches = {product: product.branches(film, self._directory) for product in products}

    @property
    def complained(self) -> bool:
        """Whether ffmpeg, which made everything, complained about the film."""
        return self._complained

    async def clear(self) -> None:
        """Remove what an attempt left of its products."""
        await asyncio.to_thread(self._remove)

    async def make(self, advance: Advance) -> Made:
        """All products, by the first way that works; see `Passages.make` for the errors."""
        near = await self._tools.approach(self._film, self._window.start, self._work)
        self._window = replace(self._window, lead=near.lead, shown=near.shown)
        if self._tools.device is None:
            return await self._by(ALL_ON_CPU, advance)
        made, way, faults = await first_that_works(
            self._ways(),
            lambda way: self._by(way, advance),
            self.clear,
        )
        return {
            product: tuple(self._marked(product, output, way, faults) for output in outputs)
            for product, outputs in made.items()
        }

    def _ways(self) -> tuple[Route, ...]:
        branches = self._all_branches
        if self._tools.device is None or not any(branch.tap for branch in branches):
            return (ALL_ON_CPU,)
        codings = (branch.coding for branch in branches if branch.tap and not branch.tap.hdr)
        return routes(self._tools.device, {coding.codec for coding in codings if coding})

    async def _by(self, way: Route, advance: Advance) -> Made:
        for folder in (folder for product in self._branches for folder in product.folders()):
            (self._directory / folder).mkdir()
        means = replace(self._tools.means, route=way)
        arguments = command.encode(self._film, self._all_branches, means, self._window)
        reached, rate = 0.0, self._rate
        by_frames = self._tools.ffmpeg.tells_the_shortest

        def follow(progress: Progress) -> None:
            nonlocal reached
            reached = progress.reached(rate) if by_frames else progress.seconds
            advance(progress, progress.reached(rate))

        grant = self._tools.grant_on(way)
        # A film that a device gives up half way need not be damaged.
        final = way == ALL_ON_CPU
        salvage = final and all(product.salvage for product in self._branches)
        said = await run(self._tools.ffmpeg, arguments, grant, self._work, follow, salvage=salvage)
        self._complained, complaints = bool(said), said or self._film.flaw
        passed = Passed(self._film, self._tools, self._work, complaints, reached)
        finished = await together(
            product.finish(replace(passed, salvage=final and product.salvage))
            for product in self._branches
        )
        return dict(zip(self._branches, finished, strict=True))

    def _marked(
        self, product: Product, output: Output, way: Route, faults: Sequence[str]
    ) -> Output:
        if self._tools.device is None or not product.decodes:
            return output
        return marked(output, self._branches[product], self._tools.device, way, faults)

    def _remove(self) -> None:
        """Beside it, stills may be in the making."""
        for product in self._branches:
            for name in product.traces:
                path = self._directory / name
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    @property
    def _rate(self) -> float:
        """See `Progress.reached`."""
        taps = (branch.tap for branch in command.ordered(self._all_branches))
        first = next((tap for tap in taps if tap is not None), None)
        return (first.fps if first else None) or self._film.frame_rate

    @property
    def _all_branches(self) -> list[Branch]:
        return [branch for branches in self._branches.values() for branch in branches]
