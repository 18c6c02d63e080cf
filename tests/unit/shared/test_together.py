import asyncio

import pytest

from shared.errors import StorageUnavailable
from shared.together import together


async def later(value: int) -> int:
    await asyncio.sleep(0.01 / value)
    return value


async def test_results_come_in_order() -> None:
    assert await together(later(value) for value in (1, 2, 3)) == [1, 2, 3]


async def test_the_first_failure_stops_the_others_and_comes_alone() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise StorageUnavailable("gone")

    with pytest.raises(StorageUnavailable, match="gone"):
        await together([forever(), fail(), forever()])
    assert ended == ["cancelled", "cancelled"]
