"""A message, from its delivery to what follows from it."""

from pathlib import Path

import pytest

from shared.errors import (
    StorageUnavailable,
    WorkspaceFull,
)
from shared.jobs import Stage
from tests.deliveries import WORKING, ended_well, failing
from tests.flow import Copying, UnreliableBroker, flow


async def test_job_goes_through_all_four_stages(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.submit(metadata={"userId": "42"})
        end = await ended_well(one)
        assert await one.keys() == ["job/copy-0.jpg"]
        assert one.calls == {"download": 1, "process": 1, "upload": 1, "cleanup": 1}
        assert [event["data"]["stage"] for event in one.about("job", {"finished"})] == list(WORKING)
    assert [result["key"] for result in end["results"]] == ["job/copy-0.jpg"]
    assert (end["source"], end["metadata"]) == ("https://example.com/a.jpg", {"userId": "42"})
    receipt = end["receipt"]
    assert (receipt["filesRemoved"], receipt["bytesRemoved"]) == (2, 24)
    assert (receipt["bytesDownloaded"], receipt["bytesUploaded"]) == (12, 12)
    assert set(receipt["secondsPerStage"]) == {"download", "process", "upload"}


async def test_many_jobs_at_once(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        for number in range(30):
            await one.submit(f"job-{number}")
        for number in range(30):
            await ended_well(one, f"job-{number}")
        assert one.calls["process"] == 30


async def test_events_are_cloud_events(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.submit("käse 1")
        await ended_well(one, "käse 1")
        event = await one.event("käse 1", {"completed"})
    assert event["specversion"] == "1.0"
    assert event["type"] == "millrace.job.completed"
    assert event["datacontenttype"] == "application/json"
    assert event["source"].startswith("/millrace/")
    assert event["data"]["jobId"] == "käse 1"


async def test_message_over_the_limit_travels_as_a_reference(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        one.stages["process"] = Copying(outputs=400)
        await one.submit()
        end = await ended_well(one)
        assert len(end["results"]) == 400
        assert len(await one.keys()) == 400
        assert isinstance(one.broker, UnreliableBroker)
        for message, key, exchange in one.broker.published:
            assert len(message.body) <= 32 * 1024 or exchange == one.lane.events, key


@pytest.mark.parametrize("stage", [*WORKING, "cleanup"])
async def test_long_message_that_comes_later_again(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        one.stages["process"] = Copying(outputs=400)
        one.before[stage] = failing(StorageUnavailable(), WorkspaceFull(), None)
        await one.submit()
        assert len((await ended_well(one))["results"]) == 400
