"""Connections that are lost, and what comes again then."""

from dataclasses import replace
from functools import partial

import pytest

from shared.errors import BrokerUnavailable
from tests.contract.broker.messages import FULL, LIMIT, depth_is, numbered, published, settle_down
from tests.contract.brokers import Inbox, Subject, drained
from tests.waiting import soon, until


async def test_unsettled_delivery_is_lost_with_the_connection_and_comes_back(
    subject: Subject,
) -> None:
    inbox = Inbox()
    subscription = await subject.broker.subscribe(subject.queue, 1, inbox)
    await subject.broker.publish(FULL, subject.queue)
    first = await inbox.nth(1)
    assert not first.lost.done()
    subject.cut(subject.queue)
    await soon(first.lost)
    again = await inbox.nth(2)
    assert replace(again.message, headers={}) == replace(FULL, headers={})
    assert again.message.headers["attempt"] == 3
    assert not again.lost.done()
    await until(lambda: subscription.alive)
    await first.ack()  # too late: it settles nothing
    await again.ack()
    await until(lambda: depth_is(subject, subject.queue, 0))


async def test_subscription_goes_on_after_a_lost_connection(subject: Subject) -> None:
    inbox = Inbox()
    subscription = await subject.broker.subscribe(subject.queue, 1, inbox)
    for number in range(3):
        await until(lambda: subscription.alive)
        subject.cut(subject.queue)
        await until(partial(published, subject, numbered(number)), "published")
        delivery = await inbox.nth(number + 1)
        assert delivery.message.message_id == f"m-{number}"
        await delivery.ack()
        await settle_down(subject)


async def test_closing_gives_back_what_is_not_settled(subject: Subject) -> None:
    inbox = Inbox()
    subscription = await subject.broker.subscribe(subject.queue, 1, inbox)
    await subject.broker.publish(numbered(1), subject.queue)
    delivery = await inbox.nth(1)
    await subscription.cancel()
    await subject.broker.close()
    await soon(delivery.lost)
    assert not subject.broker.connected
    with pytest.raises(BrokerUnavailable, match="closed"):
        await subject.broker.publish(numbered(2), subject.queue)
    assert not subject.broker.connected
    if subject.again is not None:
        other = subject.again()
        (message,) = await drained(other, subject.queue, 1)
        assert message.message_id == "m-1"
        await other.close()


async def test_delivered_too_often_goes_to_cleanup_with_the_reason(subject: Subject) -> None:
    inbox = Inbox()
    subscription = await subject.broker.subscribe(subject.queue, 1, inbox)
    await subject.broker.publish(FULL, subject.queue)
    for number in range(1, LIMIT + 2):
        await inbox.nth(number)
        await until(lambda: subscription.alive)
        subject.cut(subject.queue)
    (dead,) = await drained(subject.broker, subject.lane.queue("cleanup"), 1)
    assert len(inbox.deliveries) == LIMIT + 1
    death = dead.headers["x-death"][0]
    assert (death["queue"], death["reason"]) == (subject.queue, "delivery_limit")
    assert dead.headers["reason"] == FULL.headers["reason"]
    assert replace(dead, headers={}) == replace(FULL, headers={})


async def test_cleanup_dead_letters_to_the_dead_queue(subject: Subject) -> None:
    cleanup = subject.lane.queue("cleanup")
    inbox = Inbox()
    subscription = await subject.broker.subscribe(cleanup, 1, inbox)
    await subject.broker.publish(numbered(1), cleanup)
    for number in range(1, LIMIT + 2):
        await inbox.nth(number)
        await until(lambda: subscription.alive)
        subject.cut(cleanup)
    (dead,) = await drained(subject.broker, subject.lane.dead, 1)
    assert dead.message_id == "m-1"


async def test_looking_into_the_dead_queue_destroys_nothing(subject: Subject) -> None:
    inbox = Inbox()
    subscription = await subject.broker.subscribe(subject.lane.dead, 1, inbox)
    await subject.broker.publish(numbered(1), subject.lane.dead)
    for number in range(1, LIMIT + 4):
        await inbox.nth(number)
        await until(lambda: subscription.alive)
        subject.cut(subject.lane.dead)
    await (await inbox.nth(LIMIT + 4)).ack()
