"""A service whose clock jumps while a job is under way."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.flow import flow
from tests.waiting import until


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("jump_seconds", [-3600.0, 3600.0])
async def test_a_jumping_clock_ends_no_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_seconds: float
) -> None:
    real = time.time

    async def jump(job: Any, work: Any) -> None:
        monkeypatch.setattr("time.time", lambda: real() + jump_seconds)

    async with flow(tmp_path / "root") as one:
        one.before["process"] = jump
        await one.submit(ttlHours=0.5)
        assert (await one.end_of())["outcome"] == "completed"
        await until(lambda: one.left() == [])
        await one.submit("late", ttlHours=0.5)
        assert (await one.end_of("late"))["outcome"] == "completed"
