"""Events, for whoever listens."""

from dataclasses import replace

import pytest

from shared.broker import topology
from shared.broker.topology import Lane
from tests.contract.broker.messages import FULL, depth_is, numbered, remove
from tests.contract.brokers import Subject, drained
from tests.waiting import soon, until


async def test_listener_hears_what_matches_from_entering_on(subject: Subject) -> None:
    lane, broker = subject.lane, subject.broker
    await broker.publish(replace(FULL, body=b"too early"), "a.completed", lane.events)
    async with broker.listen(lane.events, "a.*") as messages:
        await broker.publish(replace(FULL, body=b"another's"), "b.completed", lane.events)
        await broker.publish(replace(FULL, body=b"deeper"), "a.b.completed", lane.events)
        await broker.publish(replace(FULL, body=b"a"), "a.completed", lane.events)
        heard = await soon(anext(messages))
    assert heard == replace(FULL, body=b"a")


async def test_listeners_hear_the_same(subject: Subject) -> None:
    lane, broker = subject.lane, subject.broker
    async with broker.listen(lane.events, "#") as one, broker.listen(lane.events, "a.#") as two:
        await broker.publish(numbered(1), "a.b.c", lane.events)
        assert (await soon(anext(one))).message_id == "m-1"
        assert (await soon(anext(two))).message_id == "m-1"


async def test_tell_reaches_listeners_and_the_updates_queue(subject: Subject) -> None:
    lane, broker = subject.lane, subject.broker
    async with broker.listen(lane.events, "#") as messages:
        broker.tell(FULL, "a.progress", lane.events)
        assert await soon(anext(messages)) == FULL
    assert await drained(broker, lane.updates, 1) == [FULL]


async def test_what_nobody_can_be_told_does_not_stop_the_telling(subject: Subject) -> None:
    subject.broker.tell(FULL, "no.such", "no.such.exchange")

    async def told() -> bool:
        subject.broker.tell(FULL, "a.progress", subject.lane.events)
        return await subject.broker.depth(subject.lane.updates) > 0

    await until(told)


async def test_updates_that_nobody_reads_are_bounded(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "MAX_UPDATES", 3)
    lane = Lane(subject.lane.prefix + ".bounded", subject.lane.retry_delays)
    await subject.broker.declare(lane.topology)
    for number in range(5):
        await subject.broker.publish(numbered(number), "a.progress", lane.events)
    await until(lambda: depth_is(subject, lane.updates, 3))
    messages = await drained(subject.broker, lane.updates, 3)
    assert [message.message_id for message in messages] == ["m-2", "m-3", "m-4"]
    if subject.cable is not None:
        await remove(subject, lane)
