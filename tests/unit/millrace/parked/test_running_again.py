"""A parked job runs again, as its next run."""

from typing import Any

import pytest

from millrace.parked import Selection, looking
from millrace.whereabouts import find
from shared.errors import BrokerUnavailable, CorruptMedia, SourceMissing, WorkspaceFull
from tests.flow import Flow, UnreliableBroker
from tests.unit.millrace.parked.dead import fail, look, park, redrive
from tests.waiting import until


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
