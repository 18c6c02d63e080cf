"""Delivery: what the consumer does for each way in which a stage can end."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.broker.base import Message
from shared.broker.topology import QUEUE_OF_STAGE
from shared.envelope import encode
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
from tests.flow import Before, Copying, Flow, UnreliableBroker, flow
from tests.jobs import upload_job
from tests.unit.shared.workspace.doors import another_process_holds, change_lease
from tests.waiting import soon, until

WORKING: tuple[Stage, ...] = ("download", "process", "upload")


def failing(*errors: Exception | None) -> Before:
    """Raises these errors, one each time; the last for ever."""
    left = list(errors)

    async def fail(job: Any, work: Any) -> None:
        error = left.pop(0) if len(left) > 1 else left[0]
        if error is not None:
            raise error

    return fail


class Gate:
    """Work that waits until it is let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.cancelled = False

    async def __call__(self, job: Any, work: Any) -> None:
        (work.directory / "half").write_bytes(b"half")
        self.entered.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def ended_well(one: Flow, job_id: str = "job") -> dict[str, Any]:
    """The end of a job that must have completed, once nothing more can come."""
    end = await one.end_of(job_id)
    await one.quiet()
    assert end["outcome"] == "completed"
    assert one.left() == []
    return end


# ── a message ────────────────────────────────────────────────────────────────────────────────


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


# ── errors ───────────────────────────────────────────────────────────────────────────────────


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


async def parked_with(one: Flow, **headers: Any) -> None:
    """The dead queue holds the job's request, whole, with these headers."""
    message, *copies = await one.parked()
    assert all(copy.body == message.body for copy in copies)
    job = DownloadJob.decode(message.body)
    assert (job.job_id, job.run, job.metadata) == ("job", 1, {"a": "b"})
    assert job.operations is not None
    assert job.operations[0].op == "blur"
    assert {name: message.headers[name] for name in headers} == headers
    assert message.headers["reason"]


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


# ── stopping ─────────────────────────────────────────────────────────────────────────────────


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


# ── bad messages ─────────────────────────────────────────────────────────────────────────────

BAD: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "no JSON"),
    "empty": (b"", "no JSON"),
    "no UTF-8": (b'{"jobId": "\xff"}', "no JSON"),
    "no object": (b"[1]", "no JSON object"),
    "null": (b"null", "no JSON object"),
    "no source": (b'{"jobId": "job"}', "source"),
    "empty id": (b'{"jobId": "", "source": "https://a"}', "jobId"),
    "long id": (b'{"jobId": "%s", "source": "https://a"}' % (b"x" * 201), "jobId"),
    "id of no text": (b'{"jobId": {}, "source": "https://a"}', "jobId"),
    "bad operation": (b'{"jobId": "job", "source": "a", "operations": [{}]}', "operations.0"),
    "no operations": (b'{"jobId": "job", "source": "a", "operations": []}', "operations"),
    "bad time": (b'{"jobId": "job", "source": "a", "ttlHours": -1}', "ttlHours"),
    "old without folder": (b'{"jobId": "job", "inputPath": "/a"}', "outputDir"),
    "old with template": (b'{"jobId": "j", "inputPath": "/a", "outputDir": "{x}"}', "outputDir"),
    "too long": (b'{"jobId": "job", "source": "%s"}' % (b"x" * 32 * 1024), "32768"),
}


@pytest.mark.parametrize(("body", "names"), BAD.values(), ids=BAD.keys())
async def test_what_is_no_job_is_parked_with_the_reason(
    tmp_path: Path, body: bytes, names: str
) -> None:
    async with flow(tmp_path) as one:
        await one.send(body, message_id="m-1", headers={"mine": 1})
        await until(lambda: bool(rejected(one)))
        await one.quiet()
        (event,) = rejected(one)
        assert event["data"]["messageId"] == "m-1"
        assert names in event["data"]["error"]["message"]
        assert event["data"]["error"]["error"] == "InvalidJob"
        (parked,) = await one.parked()
        assert parked.body == body
        assert names in parked.headers["reason"]
        assert (parked.headers["mine"], parked.headers["stage"]) == (1, "download")
        assert one.calls == {}
        assert one.left() == []
        await one.submit("next")
        await ended_well(one, "next")


def rejected(one: Flow) -> list[dict[str, Any]]:
    return [event for event in one.events if event["type"].endswith(".rejected")]


async def test_rejected_event_names_the_job_where_there_is_one(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.send({"jobId": "mine"})
        assert (await one.end_of("mine"))["jobId"] == "mine"


@pytest.mark.parametrize("stage", ["process", "upload", "cleanup"])
async def test_bad_messages_between_stages_are_parked(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        await one.send(b'{"jobId": "job", "run": 1, "volume": "v"}', stage)
        (parked,) = await one.parked()
        assert parked.headers["stage"] == stage
        assert one.calls == {}


async def test_id_used_for_another_request_is_refused(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gate = one.before["process"] = Gate()
        await one.submit(operations=["blur"])
        await soon(gate.entered.wait())
        await one.submit(operations=["thumbnail"])
        event = await one.event("job", {"rejected"})
        assert event["data"]["error"]["error"] == "JobIdReused"
        gate.opened.set()
        await until(lambda: bool(one.about("job", {"completed"})))
        await one.submit(operations=["thumbnail"])
        await until(lambda: len(one.about("job", {"rejected"})) == 2)
        await one.quiet()
        assert one.calls["download"] == 1
        assert await one.keys() == ["job/copy-0.jpg"]


async def test_anonymous_job_gets_an_id_once(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.send({"source": "https://example.com/a.jpg"})
        await until(lambda: any(event["type"].endswith("completed") for event in one.events))
        await one.quiet()
        assert one.calls["download"] == 1
        subjects = {event["subject"] for event in one.events}
        assert len(subjects) == 1
        assert subjects != {"anonymous"}


async def test_two_anonymous_jobs_are_two(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        for _ in range(2):
            await one.send({"source": "https://example.com/a.jpg"})
        await until(lambda: one.calls["cleanup"] == 2)
        await one.quiet()
        assert len(await one.keys()) == 2


async def test_message_id_is_the_job_id_where_there_is_none(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.send({"source": "https://example.com/a.jpg"}, message_id="m-7")
        await ended_well(one, "m-7")


async def test_older_shape_is_a_job(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.send(
            {
                "jobId": "old",
                "inputPath": "/media/ein Bild?.jpg",
                "outputDir": "/media/out/",
                "operations": ["thumbnail", "blur", "low-quality"],
                "timestamp": "2024-01-01T00:00:00Z",
                "retryCount": 0,
            }
        )
        end = await ended_well(one, "old")
        assert end["source"] == "file:///media/ein%20Bild%3F.jpg"


# ── twice delivered ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stage", [*WORKING, "cleanup"])
async def test_duplicates_before_and_after_the_end_change_nothing(
    tmp_path: Path, stage: Stage
) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        await one.submit()
        await ended_well(one)
        queue = one.lane.queue(stage)
        message = next(m for m, key, _ in one.broker.published if key == queue)
        for _ in range(3):
            await one.broker.publish(message, queue)
        await one.quiet()
        assert {name: one.calls[name] for name in WORKING} == dict.fromkeys(WORKING, 1)
        ends = one.about("job", {"completed", "failed", "cancelled", "expired", "rejected"})
        assert {event["id"] for event in ends} == {"job.1.completed"}
        assert len({json.dumps(event["data"]) for event in ends}) == 1
        assert await one.keys() == ["job/copy-0.jpg"]
        assert one.left() == []
        assert await one.broker.depth(one.lane.dead) == 0


async def test_duplicates_in_every_queue_are_one_job(tmp_path: Path) -> None:
    class Doubling(UnreliableBroker):
        async def publish(
            self, message: Message, routing_key: str, exchange: str = "", *, wanted: bool = True
        ) -> None:
            for _ in range(2):
                await super().publish(message, routing_key, exchange, wanted=wanted)

    broker = Doubling()
    async with flow(tmp_path, broker) as one:
        await one.submit()
        await ended_well(one)
        assert {name: one.calls[name] for name in WORKING} == dict.fromkeys(WORKING, 1)
        assert {event["id"] for event in one.about("job", {"completed"})} == {"job.1.completed"}
    await broker.close()


@pytest.mark.parametrize("stage", WORKING)
async def test_duplicate_while_the_stage_works_waits(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before[stage] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        queue = one.lane.queue(stage)
        message = next(m for m, key, _ in one.broker.published if key == queue)
        await one.broker.publish(message, queue)
        await until(lambda: attempts_published(one, stage) != [])
        gate.opened.set()
        await ended_well(one)
        assert one.calls[stage] == 1
        assert set(attempts_published(one, stage)) == {1}


async def test_job_locked_by_another_process_waits(tmp_path: Path) -> None:
    async with flow(tmp_path, start=("download", "upload", "cleanup")) as one:
        await one.submit()
        await one.event("job", {"finished"})
        await until(lambda: one.busy == 0)
        with another_process_holds(tmp_path / "jobs" / "job.1"):
            await one.consumers["process"].start()
            await until(lambda: len(delays_published(one)) >= 2)
            assert one.calls["process"] == 0
        await ended_well(one)
        await one.consumers["process"].stop()


async def test_zombie_cannot_contradict_its_successor(tmp_path: Path) -> None:
    """A committed result stands, whatever a later attempt would say."""
    async with flow(tmp_path, start=("download", "upload", "cleanup")) as one:
        await one.submit()
        await one.event("job", {"finished"})
        await until(lambda: one.busy == 0)
        one.before["download"] = failing(CorruptMedia())
        await one.submit()
        await until(lambda: one.busy == 0)
        assert one.calls["download"] == 1
        await one.consumers["process"].start()
        await ended_well(one)
        await one.consumers["process"].stop()


# ── the broker is away ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stage", [*WORKING, "cleanup"])
async def test_publishing_that_fails_for_a_while_is_tried_again(
    tmp_path: Path, stage: Stage
) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        broker = one.broker
        following = {"download": "process", "process": "upload", "upload": "cleanup"}
        await one.submit()
        key = one.lane.queue(following[stage]) if stage in following else "job.completed"  # type: ignore[arg-type]
        broker.refuses = lambda routing_key: routing_key == key and broker.refused < 4
        await ended_well(one)
        assert broker.refused == 4
        assert one.calls[stage] == 1


async def test_retry_that_cannot_be_published_is_kept(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        broker = one.broker
        one.before["process"] = failing(SourceUnavailable(), None)
        await one.submit()
        broker.refuses = lambda _: one.calls["process"] == 1 and broker.refused < 4
        await ended_well(one)
        assert one.calls["process"] == 2


@pytest.mark.parametrize("stage", WORKING)
async def test_work_goes_on_when_the_delivery_is_lost(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before[stage] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        for _ in range(3):
            one.broker.sever(one.lane.queue(stage))
        await until(lambda: attempts_published(one, stage) != [])
        assert not gate.cancelled
        gate.opened.set()
        await ended_well(one)
        assert one.calls[stage] == 1


async def test_work_goes_on_when_the_delivery_is_lost_with_one_slot(tmp_path: Path) -> None:
    async with flow(tmp_path, concurrency=1) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        one.broker.sever(one.lane.queue("process"))
        await until(lambda: one.consumers["process"].busy == 2)
        gate.opened.set()
        await ended_well(one)
        assert one.calls["process"] == 1


async def test_result_that_cannot_be_published_for_a_lost_delivery_is_left_to_the_next(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        broker = one.broker
        away = True
        broker.refuses = lambda key: away and key == one.lane.queue("upload")
        await one.submit()
        await until(lambda: broker.refused > 1)
        broker.sever(one.lane.queue("process"))
        await until(lambda: broker.refused > 4)
        away = False
        await ended_well(one)
        assert one.calls["process"] == 1


async def test_delivery_is_renewed_before_the_broker_loses_patience(tmp_path: Path) -> None:
    async with flow(tmp_path, delivery_renew_seconds=0.05) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        await until(lambda: len(attempts_published(one, "process")) >= 2)
        assert set(attempts_published(one, "process")) == {1}
        one.broker.sever(one.lane.queue("process"))  # nothing is lost with the connection now
        gate.opened.set()
        await ended_well(one)
        assert one.calls["process"] == 1


async def test_delivery_that_cannot_be_renewed_now_is_renewed_later(tmp_path: Path) -> None:
    async with flow(tmp_path, delivery_renew_seconds=0.05) as one:
        assert isinstance(one.broker, UnreliableBroker)
        broker = one.broker
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        broker.refuses = lambda _: broker.refused < 3
        await until(lambda: len(attempts_published(one, "process")) >= 1)
        gate.opened.set()
        await ended_well(one)
        assert one.calls["process"] == 1


async def test_attempts_are_counted_once_however_often_their_deliveries_are_renewed(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path, delivery_renew_seconds=0.05) as one:

        async def long_and_in_vain(job: Any, work: Any) -> None:
            renewed = len(attempts_published(one, "process"))
            await until(lambda: len(attempts_published(one, "process")) > renewed + 1)
            raise SourceUnavailable("away")

        one.before["process"] = long_and_in_vain
        await one.submit()
        end = await one.end_of()
        await one.quiet()
        assert one.calls["process"] == end["error"]["attempts"] == 3
        assert len(one.about("job", {"failed"})) <= 2
        assert one.left() == []


async def test_attempts_are_counted_once_however_often_their_deliveries_are_lost(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path) as one:

        async def in_vain(job: Any, work: Any) -> None:
            assert isinstance(one.broker, UnreliableBroker)
            one.broker.sever(one.lane.queue("process"))
            raise SourceUnavailable("away")

        one.before["process"] = in_vain
        await one.submit()
        end = await one.end_of()
        await one.quiet()
        assert one.calls["process"] == end["error"]["attempts"] == 3
        assert one.left() == []


async def test_what_waits_for_a_slot_too_long_waits_in_the_broker_instead(tmp_path: Path) -> None:
    async with flow(tmp_path, concurrency=1, delivery_renew_seconds=0.05) as one:
        gate = one.before["process"] = Gate()
        for number in range(4):
            await one.submit(f"job-{number}")
        await soon(gate.entered.wait())
        await until(lambda: len(attempts_published(one, "process")) > 40)
        # The one that works, and the one that took its place at the broker.
        assert one.consumers["process"].busy <= 2
        gate.opened.set()
        for number in range(4):
            await ended_well(one, f"job-{number}")
        assert one.calls["process"] == 4


async def test_delivery_that_ends_while_it_is_renewed_is_settled_once(tmp_path: Path) -> None:
    """RabbitMQ closes the channel at a second acknowledgement, and all in hand is lost."""
    acknowledged: Counter[str] = Counter()

    class Slow(UnreliableBroker):
        renewing = asyncio.Event()

        async def publish(
            self, message: Message, routing_key: str, exchange: str = "", *, wanted: bool = True
        ) -> None:
            if exchange.endswith(".retry.short"):
                self.renewing.set()
                await asyncio.sleep(0.1)
            await super().publish(message, routing_key, exchange, wanted=wanted)

        async def subscribe(self, queue: str, prefetch: int, receive: Any) -> Any:
            def counting(delivery: Any) -> None:
                settle = delivery.ack

                async def ack() -> None:
                    acknowledged[f"{queue} {id(delivery)}"] += 1
                    await settle()

                delivery.ack = ack
                kept.append(delivery)
                receive(delivery)

            return await super().subscribe(queue, prefetch, counting)

    kept: list[Any] = []
    broker = Slow()
    async with flow(tmp_path, broker, delivery_renew_seconds=0.05) as one:
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        await soon(broker.renewing.wait())
        gate.opened.set()
        await one.end_of()
        await until(lambda: attempts_published(one, "process") != [])
        await ended_well(one)
        assert one.calls["process"] == 1
        assert set(acknowledged.values()) == {1}
    await broker.close()


async def test_work_that_was_renewed_and_dies_is_done_anew(tmp_path: Path) -> None:
    async with flow(
        tmp_path,
        start=("download", "upload", "cleanup"),
        delivery_renew_seconds=0.05,
        drain_seconds=0,
    ) as one:
        gate = one.before["process"] = Gate()
        await one.submit()
        worker = one.consumer("process")
        await worker.start()
        await soon(gate.entered.wait())
        await until(lambda: len(attempts_published(one, "process")) >= 1)
        await worker.stop()
        gate.opened.set()
        await one.consumers["process"].start()
        await ended_well(one)
        assert one.calls["process"] == 2
        await one.consumers["process"].stop()


# ── the end of a service ─────────────────────────────────────────────────────────────────────


async def test_stopping_waits_for_what_is_in_hand(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gate = one.before["process"] = Gate()
        await one.submit("first")
        await soon(gate.entered.wait())
        stopping = asyncio.create_task(one.consumers["process"].stop())
        await until(lambda: not one.consumers["process"].alive)
        await one.submit("second")
        gate.opened.set()
        await soon(stopping)
        assert (await one.end_of("first"))["outcome"] == "completed"
        assert one.calls["process"] == 1
        again = one.consumer("process")
        await again.start()
        assert (await one.end_of("second"))["outcome"] == "completed"
        await again.stop()


async def test_work_that_does_not_end_in_time_is_killed_and_settles_nothing(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path, start=("download", "upload", "cleanup"), drain_seconds=0.05) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before["process"] = Gate()
        await one.submit()
        worker = one.consumer("process")
        await worker.start()
        await soon(gate.entered.wait())
        published = len(one.broker.published)
        await soon(worker.stop())
        assert gate.cancelled
        assert len(one.broker.published) == published
        assert not one.about("job", {"failed", "cancelled"})
        one.broker.sever(one.lane.queue("process"))  # as the end of the process does
        gate.opened.set()
        await one.consumers["process"].start()
        await ended_well(one)
        await one.consumers["process"].stop()
        assert one.calls["process"] == 2


# ── given up by the broker ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("stage", WORKING)
async def test_job_whose_workers_die_again_and_again_fails(
    tmp_path: Path, stage: Stage, long: bool
) -> None:
    others = tuple(other for other in QUEUE_OF_STAGE if other != stage)
    async with flow(tmp_path, start=others) as one:
        assert isinstance(one.broker, UnreliableBroker)
        one.stages["process"] = Copying(outputs=400 if long else 1)
        await one.submit(metadata={"a": "b"}, operations=["blur"])
        queue = one.lane.queue(stage)
        await until(lambda: depth_is(one, queue, 1))
        await until(lambda: one.busy == 0)
        await one.broker.subscribe(queue, 1, lambda _: None)
        for _ in range(11):
            one.broker.sever(queue)
        end = await one.end_of()
        await one.quiet()
        assert end["outcome"] == "failed"
        assert (end["error"]["error"], end["error"]["stage"]) == ("DeliveryLimit", stage)
        assert "delivery_limit" in end["error"]["message"]
        assert one.left() == []
        await parked_with(one, error="DeliveryLimit", stage=stage)


async def test_files_of_a_given_up_job_on_another_volume_are_left_to_its_cleanup(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path) as one:
        deaths = [{"queue": one.lane.queue("upload"), "reason": "delivery_limit"}]
        message = encode(upload_job("elsewhere"))
        await one.send(message.body, "cleanup", headers={"x-death": deaths})
        await until(lambda: len(attempts_published(one, "cleanup")) > 1)
        assert not one.about("job", {"failed"})
        assert one.workspace.receipts() == []


async def test_cleanup_that_dies_again_and_again_is_parked_by_the_broker(tmp_path: Path) -> None:
    async with flow(tmp_path, start=WORKING) as one:
        assert isinstance(one.broker, UnreliableBroker)
        await one.submit()
        queue = one.lane.queue("cleanup")
        await until(lambda: depth_is(one, queue, 1))
        await one.broker.subscribe(queue, 1, lambda _: None)
        for _ in range(11):
            one.broker.sever(queue)
        (message,) = await one.parked()
        assert json.loads(message.body)["outcome"] == "completed"


# ── what a successor finishes ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("outputs", [1, 400])
@pytest.mark.parametrize("step", ["receipt", "settle", "remove", "park", "mark_parked", "ended"])
async def test_crash_between_any_two_steps_of_cleanup_is_finished_by_the_next_delivery(
    tmp_path: Path, step: str, outputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.cleanup.park import Parking
    from shared.updates import Updates
    from shared.workspace import Closing

    where: dict[str, tuple[Any, str]] = {
        "receipt": (Closing, "receipt"),
        "remove": (Closing, "remove"),
        "park": (Parking, "park"),
        "mark_parked": (Closing, "mark_parked"),
        "ended": (Updates, "ended"),
    }
    async with flow(tmp_path, start=WORKING) as one:
        if step == "settle":
            where["settle"] = (type(one.storage), "rollback")
        one.stages["process"] = Copying(outputs=outputs)
        one.stages["upload"] = ending_badly(one)
        await one.submit(metadata={"a": "b"}, operations=["blur"])
        await until(lambda: depth_is(one, one.lane.queue("cleanup"), 1))
        await until(lambda: one.busy == 0)
        with monkeypatch.context() as patched:
            crashed = crash_after(patched, *where[step])
            worker = one.consumer("cleanup")
            await worker.start()
            await until(lambda: bool(crashed))
            await until(lambda: worker.busy == 0)
        assert isinstance(one.broker, UnreliableBroker)
        await worker.stop()
        one.broker.sever(one.lane.queue("cleanup"))
        await one.consumers["cleanup"].start()
        end = await one.end_of()
        await one.quiet()
        await one.consumers["cleanup"].stop()
        assert (end["outcome"], end["error"]["error"]) == ("failed", "ObjectExists")
        assert end["receipt"]["filesRemoved"] == outputs + 1
        assert one.left() == []
        assert await one.keys() == []
        await parked_with(one, error="ObjectExists", stage="upload")


def ending_badly(one: Flow) -> Any:
    store = one.stages["upload"]

    async def store_and_fail(job: Any, work: Any) -> Any:
        await store(job, work)
        raise ObjectExists

    return store_and_fail


def crash_after(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[str]:
    """Crash at the first return of a method; the list tells when."""
    real = getattr(owner, name)
    crashed: list[str] = []

    def crash() -> None:
        if not crashed:
            crashed.append(name)
            raise asyncio.CancelledError

    def sync(*arguments: Any) -> Any:
        result = real(*arguments)
        crash()
        return result

    async def later(*arguments: Any) -> Any:
        result = await real(*arguments)
        crash()
        return result

    monkeypatch.setattr(owner, name, later if asyncio.iscoroutinefunction(real) else sync)
    return crashed


# ── what is told ─────────────────────────────────────────────────────────────────────────────


async def test_started_and_progress_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.consumer.PROGRESS_SECONDS", 0)
    async with flow(tmp_path) as one:
        gate = one.before["process"] = Gate()

        async def half(job: Any, work: Any) -> None:
            work.progress(50, frames=3)

        one.before["upload"] = half
        await one.submit()
        await soon(gate.entered.wait())
        started = await one.event("job", {"started"})
        gate.opened.set()
        progress = await one.event("job", {"progress"})
        await ended_well(one)
        assert started["data"]["stage"] == "process"
        assert (progress["data"]["percent"], progress["data"]["frames"]) == (50, 3)
        assert progress["data"]["stage"] == "upload"


async def test_metrics_count(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        one.before["process"] = failing(SourceUnavailable(), None)
        await one.submit()
        await ended_well(one)
        await one.send(b"{")
        await until(lambda: bool(rejected(one)))
        await one.quiet()
        value = one.metrics["process"].registry.get_sample_value
        labels = {"stage": "process", "error": "SourceUnavailable"}
        assert value("millrace_postponed_total", labels) == 1
        assert value("millrace_stage_seconds_count", {"stage": "process"}) == 1
        value = one.metrics["cleanup"].registry.get_sample_value
        assert value("millrace_jobs_ended_total", {"outcome": "completed"}) == 1
        value = one.metrics["download"].registry.get_sample_value
        assert value("millrace_rejected_messages_total", {"stage": "download"}) == 1
        assert value("millrace_transferred_bytes_total", {"direction": "in"}) == 12


# ── parts ────────────────────────────────────────────────────────────────────────────────────


def later(one: Flow) -> Iterator[tuple[Message, str, str]]:
    """What was published to wait queues: message, routing key, exchange."""
    assert isinstance(one.broker, UnreliableBroker)
    return (entry for entry in one.broker.published if ".retry." in entry[2])


def attempts_published(one: Flow, stage: Stage) -> list[int]:
    queue = one.lane.queue(stage)
    return [message.headers.get("attempt", 1) for message, key, _ in later(one) if key == queue]


def delays_published(one: Flow) -> list[str]:
    return [exchange.rpartition(".")[2] for _, _, exchange in later(one)]


async def depth_is(one: Flow, queue: str, count: int) -> bool:
    return await one.broker.depth(queue) == count
