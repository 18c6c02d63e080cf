"""RabbitMQ alone: it can be away, and strangers publish to it."""

import json
import struct
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiormq
import pytest
from aiormq import spec
from pamqp import encode
from yarl import URL

from shared.broker.rabbitmq import RabbitMQ
from shared.broker.topology import Lane
from shared.errors import BrokerUnavailable
from tests.contract.broker.messages import FULL, numbered, published
from tests.contract.brokers import Inbox, Subject, drained
from tests.waiting import soon, until


async def test_nobody_there_is_an_error_that_names_the_address() -> None:
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


@pytest.mark.parametrize(
    ("wrong", "refused"),
    [
        ({"password": "wrong"}, ": ACCESS_REFUSED"),
        ({"user": "nobody"}, ": ACCESS_REFUSED"),
        ({"path": "/nowhere"}, " the virtual host 'nowhere'"),
    ],
    ids=str,
)
async def test_a_broker_that_refuses_us_is_not_called_absent(
    amqp_url: str, wrong: dict[str, str], refused: str
) -> None:
    url = URL(amqp_url)
    for part, value in wrong.items():
        url = getattr(url, f"with_{part}")(value)
    broker = RabbitMQ(str(url), "stranger")
    try:
        with pytest.raises(
            BrokerUnavailable, match=rf"RabbitMQ at {url.host}:{url.port} refuses{refused}"
        ):
            await broker.declare(Lane("nobody").topology)
    finally:
        await broker.close()
