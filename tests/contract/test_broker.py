"""What the consumer relies on, of every broker alike."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import aiormq
import pytest
from aiormq import spec
from pamqp import encode

from shared.broker import topology
from shared.broker.base import Message
from shared.broker.topology import Exchange, Lane, Topology, TopologyMismatch
from shared.errors import BrokerUnavailable
from tests.contract.brokers import Inbox, Subject, drained, in_memory, on_rabbitmq
from tests.waiting import soon, until

LIMIT = 2
FULL = Message(
    body='{"jobId": "ä-1", "note": "→ 写真"}'.encode(),
    type="millrace.download.v1",
    message_id="id-ä-→",
    correlation_id="写真",
    headers={"attempt": 3, "reason": "zu spät →", "nested": {"list": [1, "two"]}},
    timestamp=1_700_000_000.0,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.broker.rabbitmq.pause", lambda: 0.05)
    monkeypatch.setattr(topology, "DELIVERY_LIMIT", LIMIT)


@pytest.fixture(params=["memory", "rabbitmq"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "memory":
        opened = in_memory()
    else:
        opened = on_rabbitmq(request.getfixturevalue("amqp_url"))
    async with opened as subject:
        await subject.broker.declare(subject.lane.topology)
        yield subject


@pytest.fixture
async def rabbit(amqp_url: str) -> AsyncIterator[Subject]:
    async with on_rabbitmq(amqp_url) as subject:
        await subject.broker.declare(subject.lane.topology)
        yield subject


def numbered(number: int) -> Message:
    return Message(body=b'{"number": %d}' % number, message_id=f"m-{number}")


# ── publish and deliver ──────────────────────────────────────────────────────────────────────


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


# ── lost connections ─────────────────────────────────────────────────────────────────────────


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


# ── later ────────────────────────────────────────────────────────────────────────────────────


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


# ── updates ──────────────────────────────────────────────────────────────────────────────────


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


# ── declaring ────────────────────────────────────────────────────────────────────────────────


async def test_declaring_again_changes_nothing(subject: Subject) -> None:
    await subject.broker.publish(numbered(1), subject.queue)
    await subject.broker.declare(subject.lane.topology)
    await until(lambda: depth_is(subject, subject.queue, 1))


async def test_other_arguments_are_an_error_that_names_the_queue(subject: Subject) -> None:
    lane = subject.lane
    other = Lane(lane.prefix, {**lane.retry_delays, "middle": 77})
    with pytest.raises(TopologyMismatch, match=lane.retry("middle")):
        await subject.broker.declare(other.topology)
    await subject.broker.declare(lane.topology)
    await subject.broker.publish(numbered(1), subject.queue)


async def test_another_type_is_an_error_that_names_the_exchange(subject: Subject) -> None:
    other = Topology((Exchange(subject.lane.events, "fanout"),), ())
    with pytest.raises(TopologyMismatch, match=subject.lane.events):
        await subject.broker.declare(other)


# ── RabbitMQ alone: it can be away, and strangers publish to it ──────────────────────────────


async def test_nobody_there_is_an_error_that_names_the_address() -> None:
    from shared.broker.rabbitmq import RabbitMQ

    broker = RabbitMQ("amqp://guest:guest@127.0.0.1:1/", "test")
    assert not broker.connected
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1\b"):
        await broker.declare(Lane("nobody").topology)
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1\b"):
        await broker.publish(numbered(1), "nobody.download")
    broker.tell(numbered(1), "nobody", "nobody.events")
    await broker.close()


async def test_rabbitmq_can_be_away_for_a_while(rabbit: Subject) -> None:
    assert rabbit.cable is not None
    inbox = Inbox()
    subscription = await rabbit.broker.subscribe(rabbit.queue, 1, inbox)
    await until(lambda: subscription.alive)
    rabbit.cable.break_off()
    await until(lambda: not subscription.alive and not rabbit.broker.connected)
    with pytest.raises(BrokerUnavailable):
        await rabbit.broker.publish(numbered(1), rabbit.queue)
    rabbit.broker.tell(numbered(1), "a.progress", rabbit.lane.events)
    rabbit.cable.mend()
    await until(lambda: published(rabbit, numbered(2)))
    assert rabbit.broker.connected
    assert (await inbox.nth(1)).message.message_id == "m-2"
    await until(lambda: subscription.alive)


async def test_listening_ends_with_an_error_when_the_connection_is_lost(rabbit: Subject) -> None:
    async with rabbit.broker.listen(rabbit.lane.events, "#") as messages:
        rabbit.cut(rabbit.queue)
        with pytest.raises(BrokerUnavailable):
            await soon(anext(messages))


STRANGE: dict[str, Any] = {
    "milliseconds": {"timestamp": 1_700_000_000_000},
    "nanoseconds": {"timestamp": 1_700_000_000_000_000_000},
    "the largest time": {"timestamp": 2**64 - 1},
    "latin-1": {"message_id": b"caf\xe9", "correlation_id": b"\xff\xfe", "message_type": b"\x80"},
    "the longest texts": {"message_id": b"x" * 255, "correlation_id": b"\xff" * 255},
    "other types": {"headers": {"x-death": "nonsense", "attempt": "many", "none": None}},
    "bytes": {"headers": {"bytes": bytearray(b"\xff"), "decimal": Decimal("1.5")}},
    "a large float": {"headers": {"float": 1e30, "ttl": 2**62, "nested": {"list": [1.5, {}]}}},
    "other ways": {"content_type": b"text/plain", "priority": 9, "expiration": b"60000"},
    "a reply address": {"reply_to": b"nobody", "app_id": b"\xff", "content_encoding": b"gzip"},
}


@pytest.mark.parametrize("properties", STRANGE.values(), ids=STRANGE.keys())
async def test_whatever_strangers_set_is_delivered_and_can_be_published_again(
    rabbit: Subject, amqp_url: str, properties: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as raw:
        raw.setitem(encode.METHODS, "timestamp", struct.Struct(">Q").pack)
        raw.setitem(encode.METHODS, "shortstr", lambda text: bytes([len(text)]) + _bytes(text))
        connection = await aiormq.connect(amqp_url)
        channel = await connection.channel()
        strange = spec.Basic.Properties(**properties)
        await channel.basic_publish(b"{}", routing_key=rabbit.queue, properties=strange)
        await connection.close()
    (message,) = await drained(rabbit.broker, rabbit.queue, 1)
    await rabbit.broker.publish(message, rabbit.queue)
    (again,) = await drained(rabbit.broker, rabbit.queue, 1)
    # The broker counts in whole seconds.
    assert replace(again, timestamp=0) == replace(message, timestamp=0)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


async def test_headers_that_cannot_be_written_again_are_left_out(
    rabbit: Subject, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A long string that is no UTF-8 comes as bytes, which pamqp cannot write.
    body = b"\x03bad" + b"S\0\0\0\1\xff" + b"\x04good" + b"S\0\0\0\1a"
    with monkeypatch.context() as raw:
        raw.setitem(encode.METHODS, "table", lambda _: struct.pack(">I", len(body)) + body)
        connection = await aiormq.connect(amqp_url)
        channel = await connection.channel()
        strange = spec.Basic.Properties(headers={"any": 1})
        await channel.basic_publish(b"{}", routing_key=rabbit.queue, properties=strange)
    await connection.close()
    (message,) = await drained(rabbit.broker, rabbit.queue, 1)
    assert message.headers == {"good": "a"}
    await rabbit.broker.publish(message, rabbit.queue)


async def test_messages_are_durable_json(rabbit: Subject, amqp_url: str) -> None:
    await rabbit.broker.publish(FULL, rabbit.queue)
    connection = await aiormq.connect(amqp_url)
    channel = await connection.channel()
    found = await channel.basic_get(rabbit.queue)
    properties = found.header.properties
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)
    assert json.loads(found.body)["jobId"] == "ä-1"
    await connection.close()


# ── parts ────────────────────────────────────────────────────────────────────────────────────


async def depth_is(subject: Subject, queue: str, count: int) -> bool:
    return await subject.broker.depth(queue) == count


async def published(subject: Subject, message: Message) -> bool:
    try:
        await subject.broker.publish(message, subject.queue)
    except BrokerUnavailable:
        return False
    return True


async def settle_down(subject: Subject) -> None:
    """An acknowledgement has no answer: whatever comes after it on the connection has one."""
    if subject.cable is not None:
        await asyncio.sleep(0.1)


async def remove(subject: Subject, lane: Lane) -> None:
    from tests.contract.brokers import delete

    assert subject.cable is not None
    await delete(subject.cable.url, lane.topology)
