"""What follows from each error of a stage."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.broker.base import Message
from shared.errors import (
    CorruptMedia,
    InvalidJob,
    MillraceError,
    ObjectExists,
    SourceUnavailable,
    StorageUnavailable,
    WorkspaceFull,
)
from shared.jobs import DownloadJob, Stage
from tests.deliveries import (
    WORKING,
    Gate,
    attempts_published,
    delays_published,
    ended_well,
    failing,
    parked_with,
)
from tests.flow import Copying, flow
from tests.waiting import soon, until


@pytest.mark.parametrize("stage", WORKING)
@pytest.mark.parametrize("error", [SourceUnavailable("away"), RuntimeError("nobody foresaw")])
async def test_retry_comes_again_counted(tmp_path: Path, stage: Stage, error: Exception) -> None:
    async with flow(tmp_path) as one:
        one.before[stage] = failing(error, error, None)
        await one.submit()
        await ended_well(one)
        assert one.calls[stage] == 3
        assert attempts_published(one, stage) == [2, 3]
        assert delays_published(one) == ["short", "middle"]


@pytest.mark.parametrize("stage", WORKING)
async def test_job_fails_when_its_attempts_are_used_up(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        one.before[stage] = failing(SourceUnavailable("The server is away."))
        await one.submit(metadata={"a": "b"}, operations=["blur"])
        end = await one.end_of()
        await one.quiet()
        assert one.calls[stage] == 3
        assert (end["outcome"], end["results"]) == ("failed", [])
        assert end["error"] == {
            "error": "SourceUnavailable",
            "message": "The server is away.",
            "stage": stage,
            "attempts": 3,
        }
        assert one.left() == []
        assert await one.keys() == []
        await parked_with(one, error="SourceUnavailable", stage=stage, attempts=3, run=1)


@pytest.mark.parametrize("stage", WORKING)
@pytest.mark.parametrize("error", [CorruptMedia("The photo is damaged."), ObjectExists()])
async def test_reject_fails_at_once(tmp_path: Path, stage: Stage, error: MillraceError) -> None:
    async with flow(tmp_path) as one:
        one.before[stage] = failing(error)
        await one.submit(metadata={"a": "b"}, operations=["blur"])
        end = await one.end_of()
        await one.quiet()
        assert one.calls[stage] == 1
        assert (end["outcome"], end["error"]["message"]) == ("failed", str(error))
        assert (end["error"]["error"], end["error"]["stage"]) == (error.name, stage)
        assert one.left() == []
        await parked_with(one, error=error.name, stage=stage, attempts=1)


async def test_invalid_request_found_by_a_stage_ends_the_job(tmp_path: Path) -> None:
    """Process alone knows the operations: what it finds wrong is found when files are there."""
    async with flow(tmp_path) as one:
        one.before["process"] = failing(InvalidJob("operations.0.op: is none of blur, resize"))
        await one.submit()
        end = await one.end_of()
        await one.quiet()
        assert end["outcome"] == "failed"
        assert "operations.0.op" in end["error"]["message"]
        assert one.left() == []
        assert len(await one.parked()) == 1


async def test_wait_comes_again_uncounted(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        one.before["download"] = failing(*(WorkspaceFull() for _ in range(6)), None)
        await one.submit()
        await ended_well(one)
        assert one.calls["download"] == 7
        assert attempts_published(one, "download") == [1] * 6
        assert set(delays_published(one)) == {"short"}


async def test_wait_ends_at_the_jobs_deadline(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        one.before["download"] = failing(WorkspaceFull())
        await one.submit(ttlHours=0.5 / 3600)
        end = await one.end_of()
        await one.quiet()
        assert end["outcome"] == "expired"
        assert one.left() == []


async def test_cleanup_never_gives_up(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        one.before["cleanup"] = failing(*(StorageUnavailable() for _ in range(7)), None)
        await one.submit()
        await ended_well(one)
        assert one.calls["cleanup"] == 8
        assert delays_published(one) == ["short", "middle", *["long"] * 5]


async def test_cleanup_does_not_give_up_at_a_reject_either(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        one.before["cleanup"] = failing(CorruptMedia(), ObjectExists(), InvalidJob(), None)
        await one.submit()
        await ended_well(one)


async def test_next_job_is_not_disturbed(tmp_path: Path) -> None:
    async with flow(tmp_path, concurrency=1) as one:
        one.before["process"] = failing(CorruptMedia(), None)
        await one.submit("bad")
        await one.submit("good")
        await ended_well(one, "good")
        assert (await one.end_of("bad"))["outcome"] == "failed"


async def test_failed_upload_leaves_no_object_of_the_job(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        one.stages["process"] = Copying(outputs=3)
        store = one.stages["upload"]

        async def store_and_die(job: Any, work: Any) -> Any:
            await store(job, work)
            raise ObjectExists

        one.stages["upload"] = store_and_die
        await one.submit()
        assert (await one.end_of())["outcome"] == "failed"
        assert await one.keys() == []


async def test_whole_request_near_the_limit_can_fail_and_be_parked(tmp_path: Path) -> None:
    """What we write of a job is a little longer than what came in."""
    async with flow(tmp_path) as one:
        one.before["process"] = failing(CorruptMedia())
        body = {"jobId": "job", "source": "https://example.com/a.jpg", "metadata": {"a": ""}}
        room = 32 * 1024 - len(json.dumps(body))
        await one.send({**body, "metadata": {"a": "x" * room}})
        assert (await one.end_of())["outcome"] == "failed"
        await one.quiet()
        (message,) = await one.parked()
        again = DownloadJob.decode(message.body)
        assert len(again.metadata["a"]) == room
        assert one.left() == []
        # What was parked can be sent again as it is.
        one.before.clear()
        again = again.model_copy(update={"run": 2})
        await one.broker.publish(
            Message(body=again.encode(), type=message.type), one.lane.queue("download")
        )
        await until(lambda: bool(one.about("job", {"completed"})))


async def test_cancelling_a_request_near_the_limit(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gate = one.before["process"] = Gate()
        await one.submit(metadata={"a": "x" * 32_650})
        await soon(gate.entered.wait())
        await one.cancel()
        assert (await one.end_of())["outcome"] == "cancelled"
        await one.quiet()
        assert one.left() == []
