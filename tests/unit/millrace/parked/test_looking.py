"""Parked messages are looked at, and left where they are."""

import datetime
import json
from typing import Any

import pytest

from millrace import parked
from millrace.parked import Selection, looking
from shared.broker.base import Message
from shared.errors import BrokerUnavailable, CorruptMedia
from tests.flow import Flow, UnreliableBroker
from tests.unit.millrace.parked.dead import fail, ids, look, park
from tests.waiting import until


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
