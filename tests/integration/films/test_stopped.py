"""A film in the making whose job is stopped: ffmpeg is dead with its group, and no file is left."""

import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.process.settings import ProcessSettings
from services.process.stage import opened
from services.process.video.settings import FilmSettings
from shared.jobs import Operation
from shared.running import Running
from tests.acceptance.commands import encoders_of
from tests.films import BUNNY
from tests.flow import Flow, flow
from tests.integration.films.looks import SLOW
from tests.unit.shared.workspace.doors import change_lease
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
async def filming(tmp_path: Path) -> AsyncIterator[Flow]:
    """A lane whose process stage makes a film of each job, and never comes to its end."""
    wanted = (Operation.model_validate(SLOW),)
    stage = opened(ProcessSettings(process_workers=1), FilmSettings())
    async with stage as process, flow(tmp_path, drain_seconds=0) as one:

        async def film(job: Any, work: Any) -> None:
            await process.media["video"].make(BUNNY, wanted, work)

        one.before["process"] = film
        yield one


async def encoding(one: Flow) -> psutil.Process:
    """The job's ffmpeg, in a group of its own, which from now on stands still."""
    await one.submit()
    found: list[psutil.Process] = []

    def began() -> bool:
        found.extend(encoders_of(os.getpid()))
        return bool(found)

    await until(began)
    found[0].suspend()
    assert os.getpgid(found[0].pid) == found[0].pid
    return found[0]


def dead(group: int) -> bool:
    """Whether no process of the group lives."""
    return not any(
        one.status() != psutil.STATUS_ZOMBIE and os.getpgid(one.pid) == group
        for one in psutil.Process().children(recursive=True)
    )


def past_its_deadline(running: Running, root: Path) -> None:
    change_lease(root / "jobs" / "job.1", deadline=1.0)
    running.job._ends = 0.0  # type: ignore[union-attr]


def too_long_at_it(running: Running, root: Path) -> None:
    running.began = time.monotonic() - 1e6


@pytest.mark.parametrize(
    ("pass_time", "outcome", "error"),
    [(past_its_deadline, "expired", None), (too_long_at_it, "failed", "TimeLimit")],
)
async def test_a_film_whose_time_is_up_leaves_nothing(
    filming: Flow, pass_time: Callable[[Running, Path], None], outcome: str, error: str | None
) -> None:
    encoder = await encoding(filming)
    (running,) = filming.consumers["process"]._running
    pass_time(running, filming.workspace.root)
    end = await filming.end_of()
    assert (end["outcome"], end.get("error", {}).get("error")) == (outcome, error)
    if error:
        assert "took longer than 1500 seconds (STAGE_LIMIT_SECONDS)" in end["error"]["message"]
    assert dead(encoder.pid)
    await filming.quiet()
    assert filming.left() == []
    assert await filming.keys() == []


async def test_a_cancelled_film_leaves_nothing(filming: Flow) -> None:
    encoder = await encoding(filming)
    await filming.cancel()
    assert (await filming.end_of())["outcome"] == "cancelled"
    assert dead(encoder.pid)
    await filming.quiet()
    assert filming.left() == []


async def test_a_film_that_shutdown_ends_is_made_by_the_next_service(filming: Flow) -> None:
    encoder = await encoding(filming)
    service = filming.consumers["process"]
    await service.stop()
    assert dead(encoder.pid)
    filming.before.clear()
    filming.consumers["process"] = filming.consumer("process")
    await filming.consumers["process"].start()
    assert (await filming.end_of())["outcome"] == "completed"
    await filming.quiet()
    assert filming.left() == []
