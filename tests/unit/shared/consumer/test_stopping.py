"""A stage that is stopped: cancelled, past its deadline, too long at it, renewed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.jobs import Stage
from tests.deliveries import (
    WORKING,
    Gate,
    ended_well,
)
from tests.flow import flow
from tests.unit.shared.workspace.doors import change_lease
from tests.waiting import soon, until


@pytest.mark.parametrize("stage", WORKING)
async def test_cancelling_stops_the_stage(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        gate = one.before[stage] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        await one.cancel()
        end = await one.end_of()
        await one.quiet()
        assert gate.cancelled
        assert (end["outcome"], end["results"], end.get("error")) == ("cancelled", [], None)
        assert end["source"] == "https://example.com/a.jpg"
        assert end["receipt"]["filesRemoved"] >= 1
        assert one.left() == []
        assert {event["id"] for event in one.about("job", {"cancelled"})} == {"job.1.cancelled"}
        assert not one.about("job", {"failed", "completed", "expired"})
        assert await one.broker.depth(one.lane.dead) == 0


async def test_job_that_nobody_began_can_be_cancelled(tmp_path: Path) -> None:
    async with flow(tmp_path, start=("cleanup",)) as one:
        await one.submit()
        await one.cancel()
        assert (await one.end_of())["outcome"] == "cancelled"
        await one.consumers["download"].start()
        await one.quiet()
        await one.consumers["download"].stop()
        assert one.calls["download"] == 0
        assert one.left() == []


async def test_job_that_waits_between_stages_can_be_cancelled(tmp_path: Path) -> None:
    async with flow(tmp_path, start=("download", "cleanup")) as one:
        await one.submit()
        await one.event("job", {"finished"})
        await until(lambda: one.busy == 0)
        await one.cancel()
        assert (await one.end_of())["outcome"] == "cancelled"
        await one.consumers["process"].start()
        await one.quiet()
        await one.consumers["process"].stop()
        assert one.calls["process"] == 0
        assert one.left() == []


async def test_cancelling_what_has_ended_changes_nothing(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.submit()
        await ended_well(one)
        await one.cancel()
        await one.quiet()
        assert await one.keys() == ["job/copy-0.jpg"]
        assert not one.about("job", {"cancelled"})


async def test_nothing_but_cancelling_is_accepted_from_outside(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        await one.send({"jobId": "job", "outcome": "completed"}, "cleanup")
        await one.event("job", {"rejected"})
        gate.opened.set()
        await until(lambda: bool(one.about("job", {"completed"})))


@pytest.mark.parametrize("stage", WORKING)
async def test_deadline_stops_the_stage(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        gate = one.before[stage] = Gate()
        await one.submit(ttlHours=1 / 3600)
        end = await one.end_of()
        await one.quiet()
        # On a very slow machine the job is over before it gets this far.
        assert gate.cancelled or one.calls[stage] == 0
        assert end["outcome"] == "expired"
        assert one.left() == []


@pytest.mark.parametrize("stage", ["process", "upload"])
async def test_deadline_passes_while_the_job_waits(tmp_path: Path, stage: Stage) -> None:
    before: dict[Stage, tuple[Stage, ...]] = {
        "process": ("download", "cleanup"),
        "upload": ("download", "process", "cleanup"),
    }
    async with flow(tmp_path, start=before[stage]) as one:
        await one.submit()
        await until(lambda: len(one.about("job", {"finished"})) == len(before[stage]) - 1)
        await until(lambda: one.busy == 0)
        change_lease(tmp_path / "jobs" / "job.1", deadline=1.0)
        await one.consumers[stage].start()
        end = await one.end_of()
        await one.quiet()
        await one.consumers[stage].stop()
        assert (end["outcome"], end["results"]) == ("expired", [])
        assert one.calls[stage] == 0
        assert one.left() == []


async def test_time_limit_fails_the_job(tmp_path: Path) -> None:
    async with flow(tmp_path, stage_limit_seconds=0.1) as one:
        gate = one.before["process"] = Gate()
        await one.submit()
        end = await one.end_of()
        await one.quiet()
        assert gate.cancelled
        assert (end["outcome"], end["error"]["error"]) == ("failed", "TimeLimit")
        assert end["error"]["attempts"] == 1
        assert one.left() == []


async def test_job_is_over_although_the_stage_fails_at_being_stopped(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        entered = asyncio.Event()

        async def stubborn(job: Any, work: Any) -> None:
            entered.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise RuntimeError("killing a child went wrong") from None

        one.before["process"] = stubborn
        await one.submit()
        await soon(entered.wait())
        await one.cancel()
        assert (await one.end_of())["outcome"] == "cancelled"
        await one.quiet()
        assert one.left() == []
