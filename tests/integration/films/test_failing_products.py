"""A product that fails takes the others with it: nothing of the attempt outlives it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from services.process.image.operations.low_quality import LowQuality
from services.process.image.operations.picture import Picture
from services.process.settings import ProcessSettings
from services.process.video.ffmpeg.branch import WHOLE, Branch, Window
from services.process.video.film import Film, Series
from services.process.video.passages import Passages
from services.process.video.products.product import Passed, Plain
from services.process.video.settings import FilmSettings
from services.process.video.stills.stills import pictured
from services.process.video.tools import Tools
from shared.errors import CorruptMedia
from shared.jobs import Output
from shared.work import Work
from tests.films import BUNNY, Bench, ffmpeg


@dataclass(frozen=True)
class Nothing(Plain):
    """A product that throws the film away."""

    name: str
    window: Window = WHOLE
    files: tuple[str, ...] = ()

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        return (Branch(("-map", "0:0", "-c", "copy", "-f", "null", "-")),)


@dataclass(frozen=True)
class Slow(Nothing):
    """Keeps a child busy for a minute."""

    begun: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        self.begun.set()
        await passed.tools.pool.call(time.sleep, 60, seconds=99, work=passed.work)
        return ()


@dataclass(frozen=True)
class Failing(Nothing):
    """Fails once `slow` is busy."""

    slow: Slow = field(default_factory=lambda: Slow("slow"), compare=False)

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        await self.slow.begun.wait()
        await asyncio.sleep(0)
        raise CorruptMedia("The first product fails.")


class FirstFails:
    """An engine for pictures that fails at the first and is slow with all others."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._calls = 0

    async def apply(
        self, source: Path, recipes: Sequence[Picture], work: Work
    ) -> tuple[Output, ...]:
        self._calls += 1
        if self._calls == 1:
            await asyncio.sleep(0)
            raise CorruptMedia("The first product fails.")
        await self._pool.call(time.sleep, 60, seconds=99, work=work)
        return ()


@pytest.fixture
def tools(bench: Bench) -> Tools:
    pictures: Any = bench.stage.media["image"]
    return Tools(ffmpeg(), bench.stage.pool, pictures, FilmSettings(), ProcessSettings().bounds)


async def test_products_end_with_the_one_that_fails(bench: Bench, tools: Tools) -> None:
    film = await tools.probe(BUNNY, bench.work)
    slow = Slow("slow")
    passages = Passages(tools, film, bench.work, 0, 100)
    with pytest.raises(CorruptMedia, match="The first product fails"):
        await passages.make([Failing("failing", slow=slow), slow])
    assert_all_is_over(bench)


async def test_pictures_end_with_the_one_that_fails(bench: Bench, tools: Tools) -> None:
    film = await tools.probe(BUNNY, bench.work)
    names = ("a", "b", "c")
    series = Series((1.0, 2.0, 3.0), tuple((LowQuality(name=name),) for name in names))
    pictures: Any = FirstFails(tools.pool)
    with pytest.raises(CorruptMedia, match="The first product fails"):
        await pictured(replace(tools, pictures=pictures), film, series, bench.work, lambda _: None)
    assert_all_is_over(bench)


def assert_all_is_over(bench: Bench) -> None:
    """No task of the attempt is left, and no child is busy."""
    names = {getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()}
    assert not {name for name in names if name.endswith((".finish", ".apply"))}
    assert bench.stage.pool.idle == bench.stage.pool.size
