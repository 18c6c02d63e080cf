"""ffmpeg that is stopped, or dies."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

import pytest

from shared.errors import (
    EngineUnavailable,
)
from tests.films import BUNNY, Bench
from tests.integration.films.looks import (
    SLOW,
    processes_with,
)


async def test_cancelling_kills_ffmpeg(bench: Bench) -> None:
    making = asyncio.create_task(bench.make(BUNNY, SLOW))
    await _until(lambda: len(bench.told) > 1)
    started = time.monotonic()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert time.monotonic() - started < 2
    assert not processes_with(bench.work.directory)
    assert bench.work.spent.cpu_seconds > 0
    # … and the next film is not disturbed
    assert await bench.make(BUNNY, "poster")


async def test_a_killed_ffmpeg_is_worth_another_attempt(bench: Bench) -> None:
    making = asyncio.create_task(bench.make(BUNNY, SLOW))
    await _until(lambda: len(bench.told) > 1)
    for pid in processes_with(bench.work.directory):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineUnavailable, match="ffmpeg was killed by signal 9"):
        await making


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - nothing tells when a program has started
            await asyncio.sleep(0.02)
