"""Parked messages: looked at, run again, left where they are."""

import datetime
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millrace import parked
from millrace.parked import CannotRedrive, Held, Parked, Selection, looking
from millrace.whereabouts import find
from shared.broker import topology
from shared.broker.base import Message
from shared.broker.topology import QUEUE_OF_STAGE
from shared.errors import BrokerUnavailable, CorruptMedia, SourceMissing, WorkspaceFull
from shared.jobs import Stage
from tests.deliveries import WORKING, depth_is, ended_well, failing
from tests.flow import Flow, UnreliableBroker, flow
from tests.waiting import until

NOW = datetime.datetime(2026, 1, 10, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parked, "SILENCE_SECONDS", 0.05)


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path) as one:
        yield one


async def park(one: Flow, count: int, **headers: Any) -> None:
    """Put failed jobs, numbered from 0, into the dead queue."""
    for number in range(count):
        body = {"jobId": f"job-{number}", "source": "https://example.com/a.jpg"}
        why = {"parked": "failed", "run": 1, "error": "CorruptMedia", "stage": "process"}
        message = Message(json.dumps(body).encode(), headers={**why, **headers})
        await one.broker.publish(message, one.lane.dead)


async def look(one: Flow, **selected: Any) -> list[Held]:
    async with looking(one.broker, one.lane, Selection(**selected)) as found:
        return [held async for held in found]


async def ids(one: Flow, **selected: Any) -> list[str]:
    return [held.parked.id for held in await look(one, **selected)]


async def fail(one: Flow, *errors: Exception | None, job_id: str = "job") -> None:
    """Have a job fail in process, and be parked."""
    one.before["process"] = failing(*errors)
    await one.submit(job_id, metadata={"a": "b"})
    assert (await one.end_of(job_id))["outcome"] == "failed"
    await one.quiet()


async def redrive(one: Flow, **selected: Any) -> list[int | None]:
    async with looking(one.broker, one.lane, Selection(**selected)) as found:
        return [await held.redrive(one.broker, one.lane, one.workspace) async for held in found]


# ── looking ──────────────────────────────────────────────────────────────────────────────────


async def test_a_failed_job_is_shown_with_its_reason(one: Flow) -> None:
    await fail(one, CorruptMedia("The photo is damaged."))
    (held,) = await look(one)
    shown = held.parked
    assert (shown.kind, shown.id, shown.job_id, shown.run) == ("failed", "job", "job", 1)
    assert (shown.stage, shown.error, shown.attempts) == ("process", "CorruptMedia", 1)
    assert shown.reason == "The photo is damaged."
    assert shown.parked_at is not None
    assert abs((datetime.datetime.now(datetime.UTC) - shown.parked_at).total_seconds()) < 600
    assert held.whole["body"]["metadata"] == {"a": "b"}
    assert held.whole["headers"]["attempts"] == 1


@pytest.mark.parametrize(
    ("body", "properties", "named"),
    [
        (b'{"jobId": "wrong"}', {"message_id": "m-1"}, "wrong"),
        (b"no json \xff", {"message_id": "m-1"}, "m-1"),
        (b"[]", {}, "unknown"),
        # Whoever publishes it may claim what he likes, of when and of why.
        (b"[]", {"timestamp": 0.0, "headers": {"parked": "failed", "run": "x"}}, "unknown"),
    ],
)
async def test_a_message_that_was_no_job_is_shown(
    one: Flow, body: bytes, properties: dict[str, Any], named: str
) -> None:
    await one.send(body, **properties)
    await until(lambda: bool(one.events))
    (held,) = await look(one)
    shown = held.parked
    assert (shown.kind, shown.id, shown.run) == ("rejected", named, None)
    assert (shown.stage, shown.error) == ("download", "InvalidJob")
    assert shown.parked_at is not None
    assert shown.parked_at.year > 2000
    json.dumps(held.whole, default=str)


async def test_whatever_lies_there_can_be_shown(one: Flow) -> None:
    """People put messages there by hand, too."""
    for headers in ({}, {"error": 1, "stage": {"a": 1}, "attempts": [], "run": None, "parked": 7}):
        await one.broker.publish(Message(b"\x00", headers=headers), one.lane.dead)
    assert [held.parked.kind for held in await look(one)] == ["rejected", "rejected"]


async def test_looking_takes_nothing_and_keeps_the_order(
    one: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked, "BATCH", 4)
    await park(one, 11)
    everything = [f"job-{number}" for number in range(11)]
    for _ in range(3):
        assert await ids(one) == everything
    assert await one.broker.depth(one.lane.dead) == 11


async def test_what_is_parked_meanwhile_is_left_for_the_next_look(one: Flow) -> None:
    await park(one, 2)
    async with looking(one.broker, one.lane, Selection()) as found:
        seen = []
        async for held in found:
            seen.append(held.parked.id)
            await park(one, 1)
    assert seen == ["job-0", "job-1"]
    assert await one.broker.depth(one.lane.dead) == 4


async def test_what_somebody_else_took_is_not_waited_for(one: Flow) -> None:
    await park(one, 3)
    async with looking(one.broker, one.lane, Selection()) as found:
        assert (await anext(found)).parked.id == "job-0"
        async with looking(one.broker, one.lane, Selection()) as other:
            assert [held async for held in other] == []
    assert len(await ids(one)) == 3


async def test_a_lost_connection_ends_the_look_and_loses_nothing(one: Flow) -> None:
    assert isinstance(one.broker, UnreliableBroker)
    await park(one, 3)
    async with looking(one.broker, one.lane, Selection()) as found:
        await anext(found)
        one.broker.sever(one.lane.dead)
        with pytest.raises(BrokerUnavailable, match="lost"):
            await anext(found)
    assert len(await ids(one)) == 3


# ── choosing ─────────────────────────────────────────────────────────────────────────────────


async def test_the_oldest_so_many(one: Flow) -> None:
    await park(one, 5)
    assert await ids(one, limit=2) == ["job-0", "job-1"]
    assert await ids(one, limit=2, ids=frozenset({"job-3"})) == ["job-3"]
    assert len(await ids(one, limit=9)) == 5


@pytest.mark.parametrize(
    ("selected", "taken"),
    [
        ({}, True),
        ({"ids": frozenset({"job", "other"})}, True),
        ({"ids": frozenset({"other"})}, False),
        ({"stage": "process"}, True),
        ({"stage": "upload"}, False),
        ({"error": "CorruptMedia"}, True),
        ({"error": "ObjectExists"}, False),
        ({"older_than": 3600}, True),
        ({"older_than": 3601}, False),
        ({"newer_than": 3600}, True),
        ({"newer_than": 3599}, False),
        ({"older_than": 3000, "newer_than": 4000}, True),
        ({"stage": "process", "error": "ObjectExists"}, False),
    ],
)
def test_every_condition_must_hold(selected: dict[str, Any], taken: bool) -> None:
    one = Parked(
        kind="failed",
        id="job",
        stage="process",
        error="CorruptMedia",
        reason="",
        parked_at=NOW - datetime.timedelta(hours=1),
    )
    assert Selection(**selected).takes(one, NOW) is taken


def test_what_has_no_age_is_not_chosen_by_age() -> None:
    one = Parked(kind="unended", id="job", error="DeliveryLimit", reason="")
    assert Selection().takes(one, NOW)
    assert not Selection(older_than=0).takes(one, NOW)
    assert not Selection(newer_than=1e9).takes(one, NOW)


# ── running again ────────────────────────────────────────────────────────────────────────────


async def test_a_failed_job_runs_again_with_its_request(one: Flow) -> None:
    await fail(one, CorruptMedia(), None)
    assert await redrive(one) == [2]
    await until(lambda: bool(one.about("job", {"completed"})))
    await one.quiet()
    (end,) = one.about("job", {"completed"})
    assert (end["data"]["run"], end["data"]["metadata"]) == (2, {"a": "b"})
    assert await one.broker.depth(one.lane.dead) == 0
    assert one.calls["download"] == 2


async def test_a_job_that_fails_again_is_parked_as_its_next_run(one: Flow) -> None:
    await fail(one, SourceMissing("gone"))
    for run in (2, 3):
        assert await redrive(one) == [run]
        await until(lambda run=run: one.about("job", {"failed"})[-1]["data"]["run"] == run)  # type: ignore[misc]
        await one.quiet()
    assert [held.parked.run for held in await look(one)] == [3]


async def test_redriving_twice_after_a_crash_in_between_makes_one_run(
    one: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fail(one, CorruptMedia(), None)

    async def lost(self: Any) -> None:
        """The process died before the acknowledgement left it."""

    with monkeypatch.context() as crashing:
        crashing.setattr("shared.broker.memory.MemoryDelivery.ack", lost)
        assert await redrive(one) == [2]
    assert await redrive(one) == [2]
    await until(lambda: bool(one.about("job", {"completed"})))
    await one.quiet()
    assert len(one.about("job", {"completed"})) == 1
    assert one.calls["process"] == 2
    assert one.workspace.latest_run("job") == 2
    assert await one.broker.depth(one.lane.dead) == 0


async def test_a_job_that_was_parked_twice_runs_once(one: Flow) -> None:
    await fail(one, CorruptMedia(), None)
    (held,) = await look(one)
    await one.broker.publish(held.delivery.message, one.lane.dead)
    assert await redrive(one) == [2, 2]
    await until(lambda: bool(one.about("job", {"completed"})))
    await one.quiet()
    assert one.calls["process"] == 2


async def test_a_run_that_waits_to_begin_can_be_seen_and_cancelled(one: Flow) -> None:
    await fail(one, CorruptMedia(), None)
    await one.consumers["download"].pause()
    assert await redrive(one) == [2]
    waiting = find(one.workspace, "job")
    assert (waiting.run, waiting.state, waiting.stage) == (2, "waiting", "download")

    await one.cancel()
    (end,) = [await one.event("job", {"cancelled"})]
    assert (end["data"]["run"], end["data"]["metadata"]) == (2, {"a": "b"})
    assert len(one.about("job", {"failed"})) == 1
    await one.consumers["download"].resume()
    await one.quiet()
    assert one.calls["download"] == 1
    assert (find(one.workspace, "job").state, one.left()) == ("cancelled", [])


async def test_a_redrive_that_died_before_it_published_is_said_again(one: Flow) -> None:
    assert isinstance(one.broker, UnreliableBroker)
    await fail(one, CorruptMedia(), None)
    one.broker.refuses = lambda key: key == one.lane.queue("download")
    with pytest.raises(BrokerUnavailable):
        await redrive(one)
    assert one.workspace.latest_run("job") == 2

    one.broker.refuses = lambda _: False
    assert await redrive(one) == [2]
    assert (await one.event("job", {"completed"}))["data"]["run"] == 2


async def test_a_run_that_was_cancelled_before_it_was_published_is_over(one: Flow) -> None:
    assert isinstance(one.broker, UnreliableBroker)
    await fail(one, CorruptMedia(), None)
    one.broker.refuses = lambda key: key == one.lane.queue("download")
    with pytest.raises(BrokerUnavailable):
        await redrive(one)
    await one.cancel()
    assert (await one.event("job", {"cancelled"}))["data"]["run"] == 2

    one.broker.refuses = lambda _: False
    assert await redrive(one) == [3]
    assert (await one.event("job", {"completed"}))["data"]["run"] == 3


@pytest.mark.parametrize("error", [PermissionError(), WorkspaceFull()])
async def test_a_run_is_started_also_where_it_cannot_be_noted(
    one: Flow, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work directory is another user's, or full."""
    await park(one, 1)

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(one.workspace, "note_redrive", fail)
    if isinstance(error, OSError):
        monkeypatch.setattr(one.workspace, "next_run", fail)
    assert await redrive(one) == [2]


async def test_without_the_work_directory_a_run_is_started_too(one: Flow) -> None:
    await park(one, 1)
    async with looking(one.broker, one.lane, Selection()) as found:
        assert [await held.redrive(one.broker, one.lane) async for held in found] == [2]


async def test_what_is_not_confirmed_stays_parked(one: Flow) -> None:
    assert isinstance(one.broker, UnreliableBroker)
    await park(one, 1)
    one.broker.refuses = lambda key: key == one.lane.queue("download")
    with pytest.raises(BrokerUnavailable):
        await redrive(one)
    assert await ids(one) == ["job-0"]


async def test_a_message_that_was_no_job_cannot_run_again(one: Flow) -> None:
    await one.send({"jobId": "wrong"})
    await until(lambda: bool(one.events))
    with pytest.raises(CannotRedrive, match=r"wrong was no valid job \(source: Field required\)"):
        await redrive(one)
    assert await ids(one) == ["wrong"]


async def test_another_request_under_a_used_id_does_not_become_its_next_run(one: Flow) -> None:
    await one.submit()
    await ended_well(one)
    await one.submit(source="https://example.com/other.jpg")
    await until(lambda: bool(one.about("job", {"rejected"})))
    with pytest.raises(CannotRedrive, match="another request"):
        await redrive(one)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"jobId": "job", "source": "https://example.com/a.jpg", "run": 1000}, "run: "),
        ({"jobId": "job"}, "source: "),
    ],
)
async def test_a_job_without_a_next_run_stays_parked(
    one: Flow, body: dict[str, Any], sentence: str
) -> None:
    message = Message(json.dumps(body).encode(), headers={"parked": "failed", "run": 1000})
    await one.broker.publish(message, one.lane.dead)
    with pytest.raises(CannotRedrive, match=f"job cannot run again: {sentence}"):
        await redrive(one)
    assert await ids(one) == ["job"]


async def test_an_end_that_cleanup_died_of_goes_on(one: Flow) -> None:
    one.before["upload"] = failing(CorruptMedia())
    deaths = [{"queue": one.lane.queue("cleanup"), "reason": "delivery_limit"}]
    end = {"jobId": "job", "run": 1, "volume": one.workspace.volume, "outcome": "expired"}
    message = Message(json.dumps(end).encode(), headers={"x-death": deaths})
    await one.broker.publish(message, one.lane.dead)
    (held,) = await look(one)
    assert (held.parked.kind, held.parked.stage) == ("unended", "cleanup")
    assert await redrive(one) == [None]
    assert (await one.end_of())["outcome"] == "expired"
    assert await one.broker.depth(one.lane.dead) == 0


@pytest.mark.parametrize("stage", WORKING)
async def test_a_job_that_its_stage_and_cleanup_died_of_is_ended_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    """It lies there as the stage's own message, and cleanup must not take it for nonsense."""
    monkeypatch.setattr(topology, "CLEANUP_DELIVERY_LIMIT", 10)
    before = tuple(QUEUE_OF_STAGE)[: tuple(QUEUE_OF_STAGE).index(stage)]
    async with flow(tmp_path, start=before) as one:
        await one.submit()
        await die(one, stage)
        # Cleanup may die of it once more, after it was handed to cleanup again.
        for _ in range(2):
            await die(one, "cleanup")
            await until(lambda: depth_is(one, one.lane.dead, 1))
            (held,) = await look(one)
            assert (held.parked.kind, held.parked.stage) == ("unended", "cleanup")
            assert await redrive(one) == [None]
        await one.consumers["cleanup"].start()
        end = await one.end_of()
        await one.quiet()
        await one.consumers["cleanup"].stop()
        assert (end["outcome"], end["error"]["stage"]) == ("failed", stage)
        assert end["error"]["error"] == "DeliveryLimit"
        assert one.left() == []
        assert [held.parked.kind for held in await look(one)] == ["failed"]


async def die(one: Flow, stage: Stage) -> None:
    """Have the broker give up the message that lies before `stage`."""
    assert isinstance(one.broker, UnreliableBroker)
    queue = one.lane.queue(stage)
    await until(lambda: depth_is(one, queue, 1))
    await until(lambda: one.busy == 0)
    subscription = await one.broker.subscribe(queue, 1, lambda _: None)
    for _ in range(11):
        one.broker.sever(queue)
    await subscription.cancel()


async def test_what_the_broker_took_back_is_not_thrown_away(one: Flow) -> None:
    assert isinstance(one.broker, UnreliableBroker)
    await park(one, 1)
    async with looking(one.broker, one.lane, Selection()) as found:
        (held,) = [held async for held in found]
        one.broker.sever(one.lane.dead)
        with pytest.raises(BrokerUnavailable):
            await held.throw_away()
    assert await ids(one) == ["job-0"]


async def test_what_is_thrown_away_is_gone(one: Flow) -> None:
    await park(one, 2)
    async with looking(one.broker, one.lane, Selection(limit=1)) as found:
        for held in [held async for held in found]:
            await held.throw_away()
    assert await ids(one) == ["job-1"]
