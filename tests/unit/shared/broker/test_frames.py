"""Frames are byte for byte what pamqp writes, and read what it has written."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from shared.broker import frames
from shared.broker.base import Message

TEXTS = st.text(max_size=60)
VALUES = st.integers(-(2**31), 2**31) | TEXTS | st.booleans() | st.lists(TEXTS, max_size=2)
MESSAGES = st.builds(
    Message,
    body=st.binary(max_size=300),
    type=TEXTS | st.none(),
    message_id=TEXTS | st.none(),
    correlation_id=TEXTS | st.none(),
    # Longer names pamqp cuts, in the middle of a character if need be.
    headers=st.dictionaries(st.text(max_size=30), VALUES, max_size=3),
    timestamp=st.integers(0, 4_000_000_000).map(float),
)
# pamqp lets no others pass.
EXCHANGES = st.text("azAZ09-_.:", max_size=60)
CHANNELS = st.integers(1, 65535)
TAGS = st.integers(1, 2**63 - 1)


@given(MESSAGES, CHANNELS, EXCHANGES, TEXTS, st.booleans(), st.booleans())
def test_a_publish_is_what_pamqp_writes(
    message: Message, channel: int, exchange: str, key: str, persistent: bool, mandatory: bool
) -> None:
    written = frames.publish(
        channel, exchange, key, message, persistent=persistent, mandatory=mandatory, frame_max=128
    )
    method = commands.Basic.Publish(exchange=exchange, routing_key=key, mandatory=mandatory)
    properties = commands.Basic.Properties(
        content_type="application/json",
        delivery_mode=2 if persistent else 1,
        message_type=message.type,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        headers=dict(message.headers) or None,
        timestamp=datetime.datetime.fromtimestamp(message.timestamp, datetime.UTC),
    )
    parts = [message.body[at : at + 120] for at in range(0, len(message.body), 120)]
    expected: list[Any] = [method, ContentHeader(0, len(message.body), properties)]
    expected += [ContentBody(part) for part in parts]
    assert written == b"".join(marshal(one, channel) for one in expected)


@given(CHANNELS, TAGS, st.booleans())
def test_an_acknowledgement_is_what_pamqp_writes(channel: int, tag: int, multiple: bool) -> None:
    expected = marshal(commands.Basic.Ack(tag, multiple), channel)
    assert frames.acknowledge(channel, tag, multiple=multiple) == expected


@given(CHANNELS, TAGS)
def test_giving_back_is_what_pamqp_writes(channel: int, tag: int) -> None:
    expected = marshal(commands.Basic.Reject(tag, requeue=True), channel)
    assert frames.give_back(channel, tag) == expected


@given(MESSAGES)
def test_what_is_published_is_read_again(message: Message) -> None:
    header = payloads(
        frames.publish(1, "", "q", message, persistent=True, mandatory=True, frame_max=131072)
    )[1]
    found = frames.message(header, message.body)
    assert frames.body_size(header) == len(message.body)
    assert found == Message(
        body=message.body,
        type=message.type or None,
        message_id=message.message_id or None,
        correlation_id=message.correlation_id or None,
        headers=message.headers,
        timestamp=message.timestamp,
    )


@pytest.mark.parametrize(
    "property_",
    [
        {"content_type": "a"},
        {"content_encoding": "a"},
        {"priority": 3},
        {"reply_to": "a"},
        {"expiration": "60000"},
        {"user_id": "a"},
        {"app_id": "a"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_properties_of_strangers_stand_in_nobodys_way(property_: dict[str, Any]) -> None:
    properties = commands.Basic.Properties(
        headers={"attempt": 2}, correlation_id="c", message_id="m", message_type="t", **property_
    )
    (header,) = payloads(marshal(ContentHeader(0, 2, properties), 1))
    found = frames.message(header, b"{}")
    assert (found.type, found.message_id, found.correlation_id) == ("t", "m", "c")
    assert found.headers == {"attempt": 2}
    assert found.timestamp == 0


@given(TEXTS, EXCHANGES, TEXTS, TAGS)
def test_methods_from_the_broker_are_read(one: str, exchange: str, key: str, tag: int) -> None:
    deliver = payload_of(
        commands.Basic.Deliver,
        consumer_tag=one,
        delivery_tag=tag,
        exchange=exchange,
        routing_key=key,
    )
    assert deliver.startswith(frames.DELIVER)
    assert frames.delivery_tag(deliver) == tag
    returned = payload_of(
        commands.Basic.Return, reply_code=312, reply_text=one, exchange=exchange, routing_key=key
    )
    assert returned.startswith(frames.RETURN)
    assert frames.returned_from(returned) == (exchange, key)
    for method, name in ((commands.Basic.Ack, frames.ACK), (commands.Basic.Nack, frames.NACK)):
        for multiple in (True, False):
            confirm = payload_of(method, delivery_tag=tag, multiple=multiple)
            assert confirm.startswith(name)
            assert frames.tag_and_multiple(confirm) == (tag, multiple)


def payload_of(method: Any, **arguments: Any) -> bytes:
    (payload,) = payloads(marshal(method(**arguments), 1))
    return payload


def payloads(written: bytes) -> list[bytes]:
    """The payload of each frame."""
    found, at = [], 0
    while at < len(written):
        _, _, size = frames.HEAD.unpack_from(written, at)
        found.append(written[at + 7 : at + 7 + size])
        at += size + 8
    return found
