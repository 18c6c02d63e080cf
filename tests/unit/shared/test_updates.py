"""Events: CloudEvents whose ids follow from job, run and step."""

import json
from typing import Any

import pytest

from shared.broker.base import Message
from shared.broker.memory import MemoryBroker
from shared.broker.topology import Lane
from shared.errors import InvalidJob
from shared.jobs import JobEnded
from shared.updates import PROGRESS_SECONDS, Throttle, Updates

LANE = Lane("lane")


class Noting(MemoryBroker):
    """Keeps what is told and published, decoded."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[dict[str, Any], Message, str]] = []

    def tell(self, message: Message, routing_key: str, exchange: str) -> None:
        assert exchange == LANE.events
        self.events.append((json.loads(message.body), message, routing_key))

    async def publish(
        self, message: Message, routing_key: str, exchange: str = "", *, wanted: bool = True
    ) -> None:
        self.tell(message, routing_key, exchange)


@pytest.fixture
def broker() -> Noting:
    return Noting()


@pytest.fixture
def updates(broker: Noting) -> Updates:
    return Updates(broker, LANE, "process")


async def test_every_event(broker: Noting, updates: Updates) -> None:
    updates.started("job", 1, "process", 2)
    updates.progress("job", 1, "process", 2, 33.333, frames=4)
    updates.finished("job", 1, "process", 1.23456)
    await updates.ended(JobEnded(job_id="job", run=1, outcome="completed"))
    await updates.rejected("job", "m-1", InvalidJob("source: is missing"))
    assert [event["id"] for event, _, _ in broker.events] == [
        "job.1.process.2.started",
        "job.1.process.2.33.3.progress",
        "job.1.process.finished",
        "job.1.completed",
        "job.m-1.rejected",
    ]
    kinds = ["started", "progress", "finished", "completed", "rejected"]
    for (event, message, key), kind in zip(broker.events, kinds, strict=True):
        assert event["specversion"] == "1.0"
        assert event["type"] == message.type == f"millrace.job.{kind}"
        assert event["source"] == "/millrace/lane/process"
        assert (event["subject"], event["data"]["jobId"]) == ("job", "job")
        assert key == f"job.{kind}"
        assert message.message_id == event["id"]
        assert message.correlation_id == "job"
    assert broker.events[1][0]["data"]["frames"] == 4
    assert broker.events[2][0]["data"]["seconds"] == 1.2346


async def test_no_job_id_can_change_the_routing_key(broker: Noting, updates: Updates) -> None:
    for job_id in ("a.b", "#", "*", "ä", "x" * 200):
        updates.started(job_id, 1, "process", 1)
        event, _, key = broker.events[-1]
        assert event["subject"] == job_id
        assert key.count(".") == 1
        assert len(key) < 80


async def test_rejected_without_any_id(broker: Noting, updates: Updates) -> None:
    for _ in range(2):
        await updates.rejected(None, None, InvalidJob("no JSON"))
    (first, _, key), (second, _, _) = broker.events
    assert key == "unknown.rejected"
    assert first["id"] != second["id"]
    assert first["data"]["error"] == {"error": "InvalidJob", "message": "no JSON"}


async def test_rejection_of_any_message_id_fits_into_properties(broker: Noting) -> None:
    updates = Updates(broker, LANE, "download")
    await updates.rejected("j" * 64, "é" * 127, InvalidJob("no"))
    ((event, message, _),) = broker.events
    assert message.message_id is not None
    assert len(message.message_id.encode()) <= 255
    assert event["data"]["messageId"] == "é" * 127


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("shared.updates.time", clock)
    return clock


def test_progress_is_told_at_most_once_a_second(clock: Clock) -> None:
    throttle, told = Throttle(), []
    for tenth in range(1, 100):
        clock.now += PROGRESS_SECONDS / 8
        if throttle.is_due(tenth):
            told.append(tenth)
    assert told == [*range(8, 100, 8)]


def test_what_told_of_its_progress_tells_of_its_end_once(clock: Clock) -> None:
    throttle = Throttle()
    clock.now += 2
    assert throttle.is_due(60)
    assert not throttle.is_due(99)
    assert throttle.is_due(100)
    clock.now += 2
    assert not throttle.is_due(100)


def test_work_that_is_done_at_once_tells_of_no_progress(clock: Clock) -> None:
    throttle = Throttle()
    assert not throttle.is_due(50)
    assert not throttle.is_due(100)
