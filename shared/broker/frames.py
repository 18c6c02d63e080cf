"""AMQP frames as bytes, of what every job does: publish, deliver, confirm, acknowledge.

All else of the protocol is aiormq's, and what it encodes with, pamqp, is what the tests of this
file compare with. A frame is its kind (one byte), its channel (two), the size of its payload
(four), the payload, and an end mark: AMQP 0-9-1, section 4.2.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any

from pamqp.encode import field_table

from shared.broker.base import Message
from shared.broker.tolerant import readable, sendable, table

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
END = b"\xce"
AROUND_BYTES = 8
HEAD = struct.Struct(">BHI")
ALIVE = HEAD.pack(HEARTBEAT, 0, 0) + END

# The first bytes of a method's payload: its class (60, Basic) and itself.
DELIVER = b"\0\x3c\0\x3c"
RETURN = b"\0\x3c\0\x32"
ACK = b"\0\x3c\0\x50"
NACK = b"\0\x3c\0\x78"
_PUBLISH = b"\0\x3c\0\x28\0\0"
_REJECT = b"\0\x3c\0\x5a"
_CONTENT = struct.Struct(">HHQH")
_LONG = struct.Struct(">Q")
_TAG_AND_BIT = struct.Struct(">QB")
_JSON = b"\x10application/json"
# The last second that a calendar has, 9999-12-31T23:59:59Z: what is later is no time.
_LAST_SECOND = 253_402_300_799


def publish(
    channel: int,
    exchange: str,
    routing_key: str,
    message: Message,
    *,
    persistent: bool,
    mandatory: bool,
    frame_max: int,
) -> bytes:
    """All frames that publish `message`."""
    arguments = _short(exchange) + _short(routing_key) + (b"\1" if mandatory else b"\0")
    return b"".join(
        (
            _frame(METHOD, channel, _PUBLISH + arguments),
            _frame(HEADER, channel, _header(message, persistent)),
            *(_frame(BODY, channel, part) for part in _parts(message.body, frame_max)),
        )
    )


def acknowledge(channel: int, tag: int, *, multiple: bool = False) -> bytes:
    """The frame that acknowledges a delivery; with `multiple` also all before it."""
    return _frame(METHOD, channel, ACK + _TAG_AND_BIT.pack(tag, multiple))


def give_back(channel: int, tag: int) -> bytes:
    """The frame that has a delivery delivered again."""
    # A rejection: from RabbitMQ 4.3 on, a Nack does not count towards the delivery limit any more.
    return _frame(METHOD, channel, _REJECT + _TAG_AND_BIT.pack(tag, True))


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return HEAD.pack(kind, channel, len(payload)) + payload + END


def _parts(body: bytes, frame_max: int) -> Iterator[bytes]:
    """`body` in payloads that fit; an empty body has no frame."""
    most = frame_max - AROUND_BYTES
    for start in range(0, len(body), most):
        yield body[start : start + most]


def _header(message: Message, persistent: bool) -> bytes:
    """A content header: size of the body, which properties there are, the properties."""
    flags = 0b1001_0000_0100_0000  # content type, delivery mode, timestamp
    properties = [_JSON]
    if message.headers:
        flags |= 1 << 13
        properties.append(field_table(dict(message.headers)))
    properties.append(b"\2" if persistent else b"\1")
    if message.correlation_id:
        flags |= 1 << 10
        properties.append(_short(message.correlation_id))
    if message.message_id:
        flags |= 1 << 7
        properties.append(_short(message.message_id))
    properties.append(_LONG.pack(int(message.timestamp)))
    if message.type:
        flags |= 1 << 5
        properties.append(_short(message.type))
    return _CONTENT.pack(60, 0, len(message.body), flags) + b"".join(properties)


def _short(text: str) -> bytes:
    encoded = text.encode()
    return bytes((len(encoded),)) + encoded


# ── reading ──────────────────────────────────────────────────────────────────────────────────


def delivery_tag(payload: bytes) -> int:
    """Of a Deliver, whose consumer's tag comes first."""
    tag: int = _LONG.unpack_from(payload, 5 + payload[4])[0]
    return tag


def tag_and_multiple(payload: bytes) -> tuple[int, bool]:
    """Of an Ack or a Nack from the broker."""
    tag, bits = _TAG_AND_BIT.unpack_from(payload, 4)
    return tag, bool(bits & 1)


def returned_from(payload: bytes) -> tuple[str, str]:
    """(exchange, routing key) of a Return, after the reply's code and text."""
    exchange, at = _text(payload, 7 + payload[6])
    return exchange, _text(payload, at)[0]


def body_size(header: bytes) -> int:
    """Bytes of the body that follows a content header."""
    size: int = _LONG.unpack_from(header, 4)[0]
    return size


def message(header: bytes, body: bytes) -> Message:
    """The message of a content header and a body."""
    flags, at = int.from_bytes(header[12:14], "big"), 14
    found: dict[str, Any] = {}
    for flag, name, read in _PROPERTIES:
        if flags & flag:
            found[name], at = read(header, at)
    return Message(
        body=body,
        type=found.get("type"),
        message_id=found.get("message_id"),
        correlation_id=found.get("correlation_id"),
        headers=found.get("headers", {}),
        timestamp=found.get("timestamp", 0.0),
    )


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + data[at]
    return readable(data[at + 1 : end]), end


def _table(data: bytes, at: int) -> tuple[dict[str, Any], int]:
    used, found = table(data[at:])
    return sendable(found), at + used


def _octet(data: bytes, at: int) -> tuple[int, int]:
    return data[at], at + 1


def _time(data: bytes, at: int) -> tuple[float, int]:
    seconds: int = _LONG.unpack_from(data, at)[0]
    return float(seconds) if seconds <= _LAST_SECOND else 0.0, at + 8


_PROPERTIES: tuple[tuple[int, str, Callable[[bytes, int], tuple[Any, int]]], ...] = (
    (1 << 15, "content_type", _text),
    (1 << 14, "content_encoding", _text),
    (1 << 13, "headers", _table),
    (1 << 12, "delivery_mode", _octet),
    (1 << 11, "priority", _octet),
    (1 << 10, "correlation_id", _text),
    (1 << 9, "reply_to", _text),
    (1 << 8, "expiration", _text),
    (1 << 7, "message_id", _text),
    (1 << 6, "timestamp", _time),
    (1 << 5, "type", _text),
)
