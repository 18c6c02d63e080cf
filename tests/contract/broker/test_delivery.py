"""What is published, and how it is delivered."""

import asyncio

import pytest

from shared.broker.base import Message
from shared.broker.topology import Exchange, Topology
from shared.errors import BrokerUnavailable
from tests.contract.broker.messages import (
    FULL,
    LIMIT,
    depth_is,
    numbered,
    settle_down,
)
from tests.contract.brokers import Inbox, Subject, drained
from tests.waiting import soon, until


async def test_body_and_properties_arrive_as_they_were_published(subject: Subject) -> None:
    await subject.broker.publish(FULL, subject.queue)
    (message,) = await drained(subject.broker, subject.queue, 1)
    assert message == FULL


async def test_message_without_properties_arrives(subject: Subject) -> None:
    await subject.broker.publish(Message(body=b"{}"), subject.queue)
    (message,) = await drained(subject.broker, subject.queue, 1)
    assert message.body == b"{}"
    assert message.type is None
    assert message.correlation_id is None
    assert message.headers == {}


async def test_messages_come_in_order(subject: Subject) -> None:
    for number in range(5):
        await subject.broker.publish(numbered(number), subject.queue)
    messages = await drained(subject.broker, subject.queue, 5)
    assert [message.message_id for message in messages] == [f"m-{n}" for n in range(5)]


async def test_confirmed_messages_count_as_depth(subject: Subject) -> None:
    for number in range(3):
        await subject.broker.publish(numbered(number), subject.queue)
    await until(lambda: depth_is(subject, subject.queue, 3))


async def test_depth_of_no_queue_is_an_error(subject: Subject) -> None:
    with pytest.raises(BrokerUnavailable, match=r"no\.such"):
        await subject.broker.depth("no.such")


@pytest.mark.parametrize("exchange", ["", "events", "no.such.exchange"])
async def test_unroutable_message_is_an_error(subject: Subject, exchange: str) -> None:
    if exchange == "events":
        # An exchange without any queue behind it.
        exchange = f"{subject.lane.prefix}.lonely"
        await subject.broker.declare(Topology((Exchange(exchange, "topic"),), ()))
    with pytest.raises(BrokerUnavailable, match=r"no\.such"):
        await subject.broker.publish(numbered(1), "no.such", exchange)


async def test_event_that_nobody_listens_to_is_no_error(subject: Subject) -> None:
    exchange = f"{subject.lane.prefix}.lonely"
    await subject.broker.declare(Topology((Exchange(exchange, "topic"),), ()))
    await soon(subject.broker.publish(numbered(1), "a.completed", exchange, wanted=False))
    await subject.broker.publish(numbered(2), subject.queue)


async def test_publishing_goes_on_after_an_error(subject: Subject) -> None:
    for exchange in ("", "no.such.exchange"):
        with pytest.raises(BrokerUnavailable):
            await subject.broker.publish(numbered(1), "no.such", exchange)
    await subject.broker.publish(numbered(2), subject.queue)
    (message,) = await drained(subject.broker, subject.queue, 1)
    assert message.message_id == "m-2"


async def test_many_publish_at_once(subject: Subject) -> None:
    publishing = (subject.broker.publish(numbered(n), subject.queue) for n in range(50))
    await asyncio.gather(*publishing)
    messages = await drained(subject.broker, subject.queue, 50)
    assert {message.message_id for message in messages} == {f"m-{n}" for n in range(50)}


async def test_no_more_than_prefetch_are_in_hand(subject: Subject) -> None:
    inbox = Inbox()
    await subject.broker.subscribe(subject.queue, 2, inbox)
    for number in range(4):
        await subject.broker.publish(numbered(number), subject.queue)
    await inbox.nth(2)
    await until(lambda: depth_is(subject, subject.queue, 2))
    assert len(inbox.deliveries) == 2
    await inbox.deliveries[0].ack()
    await inbox.nth(3)
    await until(lambda: depth_is(subject, subject.queue, 1))
    assert len(inbox.deliveries) == 3


async def test_acknowledged_messages_do_not_come_back(subject: Subject) -> None:
    inbox = Inbox()
    await subject.broker.subscribe(subject.queue, 10, inbox)
    for number in range(2):
        await subject.broker.publish(numbered(number), subject.queue)
    await (await inbox.nth(1)).ack()
    await inbox.nth(2)
    await settle_down(subject)
    subject.cut(subject.queue)
    back = await inbox.nth(3)
    assert back.message.message_id == "m-1"
    await back.ack()
    await until(lambda: depth_is(subject, subject.queue, 0))
    assert len(inbox.deliveries) == 3


async def test_two_consumers_share_a_queue(subject: Subject) -> None:
    first, second = Inbox(), Inbox()
    await subject.broker.subscribe(subject.queue, 1, first)
    await subject.broker.subscribe(subject.queue, 1, second)
    for number in range(2):
        await subject.broker.publish(numbered(number), subject.queue)
    bodies = {(await first.nth(1)).message.body, (await second.nth(1)).message.body}
    assert len(bodies) == 2


async def test_cancelled_subscription_takes_no_more_and_settles_what_it_has(
    subject: Subject,
) -> None:
    inbox = Inbox()
    subscription = await subject.broker.subscribe(subject.queue, 5, inbox)
    await until(lambda: subscription.alive)
    await subject.broker.publish(numbered(1), subject.queue)
    delivery = await inbox.nth(1)
    await subscription.cancel()
    assert not subscription.alive
    await subject.broker.publish(numbered(2), subject.queue)
    await until(lambda: depth_is(subject, subject.queue, 1))
    assert len(inbox.deliveries) == 1
    assert not delivery.lost.done()
    await delivery.ack()


async def test_subscription_that_is_cancelled_at_its_first_delivery_takes_no_more(
    subject: Subject,
) -> None:
    for number in range(30):
        await subject.broker.publish(numbered(number), subject.queue)
        (message,) = await drained(subject.broker, subject.queue, 1)
        assert message.message_id == f"m-{number}"


async def test_closed_subscription_gives_back_what_it_has_in_order(subject: Subject) -> None:
    inbox = Inbox()
    subscription = await subject.broker.subscribe(subject.queue, 10, inbox)
    for number in range(5):
        await subject.broker.publish(numbered(number), subject.queue)
    await (await inbox.nth(5)).ack()
    await (await inbox.nth(1)).ack()
    await subscription.close()
    await until(inbox.deliveries[2].lost.done)
    messages = await drained(subject.broker, subject.queue, 3)
    assert [message.message_id for message in messages] == ["m-1", "m-2", "m-3"]


async def test_what_is_given_back_comes_again_and_ends_at_the_delivery_limit(
    subject: Subject,
) -> None:
    inbox = Inbox()
    await subject.broker.subscribe(subject.queue, 1, inbox)
    await subject.broker.publish(numbered(1), subject.queue)
    for number in range(1, LIMIT + 2):
        await (await inbox.nth(number)).give_back()
    (message,) = await drained(subject.broker, subject.lane.queue("cleanup"), 1)
    assert message.headers["x-death"][0]["reason"] == "delivery_limit"
    await subject.broker.publish(numbered(2), subject.queue)
    assert (await inbox.nth(LIMIT + 2)).message.message_id == "m-2"
