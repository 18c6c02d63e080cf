"""How the children are called that make pictures."""

from pathlib import Path
from typing import Any, cast

from services.process.image.engine import Limits, Target
from services.process.image.pictures import Pictures
from services.process.pools import Pool
from shared.workspace import Attempt


class IdlePool:
    """Four children with nothing to do. Keeps what it was called with."""

    size = 4

    async def call(self, *arguments: object, **options: Any) -> tuple[()]:
        self.arguments, self.options = arguments, options
        return ()


async def test_cpu_time_is_granted_for_as_many_threads_as_encode(
    work: Attempt, mountains: Path
) -> None:
    pool = IdlePool()
    pictures = Pictures(cast(Pool, pool), "auto", Limits(pixels=10**8), seconds=7.0)
    await pictures.render(mountains, [Target("a")], work)
    assert pool.arguments[-1] == pool.options["threads"] == 4
    assert pool.options["seconds"] == 7.0
