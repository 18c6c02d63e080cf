"""Messages that wait, and come back to their queue."""

import asyncio
from dataclasses import replace

from tests.contract.broker.messages import (
    FULL,
    numbered,
)
from tests.contract.brokers import Inbox, Subject


async def test_wait_queues_bring_messages_back_to_their_own_queues(subject: Subject) -> None:
    lane, broker = subject.lane, subject.broker
    inboxes = {stage: Inbox() for stage in ("download", "process", "upload")}
    for stage, inbox in inboxes.items():
        await broker.subscribe(lane.queue(stage), 5, inbox)  # type: ignore[arg-type]
    begun = asyncio.get_running_loop().time()
    await broker.publish(replace(FULL, body=b"long"), lane.queue("upload"), lane.retry("long"))
    await broker.publish(replace(FULL, body=b"short"), lane.queue("process"), lane.retry("short"))
    await broker.publish(replace(FULL, body=b"middle"), lane.queue("process"), lane.retry("middle"))
    await inboxes["upload"].nth(1)
    assert asyncio.get_running_loop().time() - begun >= lane.retry_delays["long"]
    await inboxes["process"].nth(2)
    assert inboxes["process"].bodies == [b"short", b"middle"]
    assert inboxes["upload"].bodies == [b"long"]
    assert not inboxes["download"].bodies
    message = inboxes["upload"].deliveries[0].message
    assert message.headers["x-death"][0]["reason"] == "expired"
    assert message.headers["attempt"] == 3
    assert replace(message, headers={}) == replace(FULL, body=b"long", headers={})


async def test_a_message_waits_again_and_again(subject: Subject) -> None:
    """Dead letters in a circle are dropped, unless `x-death` is left out of what is published."""
    lane, broker = subject.lane, subject.broker
    inbox = Inbox()
    await broker.subscribe(subject.queue, 1, inbox)
    await broker.publish(numbered(1), subject.queue)
    for turn in range(1, 4):
        delivery = await inbox.nth(turn)
        await broker.publish(replace(numbered(1)), subject.queue, lane.retry("short"))
        await delivery.ack()
    await (await inbox.nth(4)).ack()
