"""A broker that does not read, as one that is short of memory: updates wait here, and are few."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from shared.broker import rabbitmq
from shared.broker.base import Message
from shared.broker.coalesce import CONGESTED_BYTES, CoalescingWriter
from shared.broker.rabbitmq import RabbitMQ
from tests.waiting import until


async def test_a_writer_is_congested_while_nobody_reads() -> None:
    ours, theirs = socket.socketpair()
    reader, plain = await asyncio.open_connection(sock=ours)
    loop = asyncio.get_running_loop()
    writer = CoalescingWriter(plain.transport, plain.transport.get_protocol(), reader, loop)
    writer.write(b"x")
    await until(lambda: not writer.congested)
    writer.write(b"x" * 4 * CONGESTED_BYTES)
    await until(lambda: writer.congested)
    theirs.setblocking(False)
    while writer.congested:
        await loop.sock_recv(theirs, CONGESTED_BYTES)
    plain.transport.abort()
    theirs.close()


async def test_updates_wait_for_a_broker_that_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rabbitmq, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(rabbitmq, "OUTBOX_MESSAGES", 3)
    sent: list[bytes] = []
    channel: Any = SimpleNamespace(
        congested=True,
        is_closed=False,
        closing=asyncio.get_running_loop().create_future(),
        send=lambda message, *_, **how: sent.append(message.body),
    )

    async def telling() -> Any:
        return channel

    broker = RabbitMQ("amqp://nobody", "test")
    monkeypatch.setattr(broker, "_publishing", SimpleNamespace(telling=telling))
    for number in range(5):
        broker.tell(Message(body=b"%d" % number), "a.progress", "events")
        await asyncio.sleep(0.02)
    assert sent == []
    channel.congested = False
    await until(lambda: sent == [b"0", b"1", b"2"])
    broker.tell(Message(body=b"now"), "a.progress", "events")
    assert sent[3:] == [b"now"]
    assert broker._telling is not None
    broker._telling.cancel()
