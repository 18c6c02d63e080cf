"""A broker that goes and comes back, seen from a service with nothing to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiormq.channel import Channel
from yarl import URL

from shared.broker.base import Delivery, Message
from shared.broker.link import Link
from shared.broker.rabbitmq import RabbitMQ, RabbitSubscription
from shared.broker.topology import Lane
from shared.broker.transport import Transport
from shared.errors import BrokerUnavailable
from tests.proxy import Cable, cable
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.waiting import until


async def test_an_idle_service_is_connected_again(private_rabbitmq: PrivateRabbitMQ) -> None:
    """Not only once it publishes: till then `/readyz` would keep work away from it."""
    broker = RabbitMQ(private_rabbitmq.url, "idle")
    try:
        await broker.declare(Lane("test.idle").topology)
        assert broker.connected
        await asyncio.to_thread(private_rabbitmq.stop)
        await until(lambda: not broker.connected)
        await asyncio.to_thread(private_rabbitmq.start)
        await until(lambda: broker.connected)
    finally:
        await broker.close()


# ── connections that break while they are made ───────────────────────────────────────────────


async def test_a_connection_that_ends_before_it_is_read_from_is_tried_again(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine: the end is there before the program comes to read the beginning."""
    create = Transport.create

    async def ended(self: Transport, url: URL, **options: Any) -> Any:
        reader, writer = await create(self, url, **options)
        if line.broken:
            await until(reader.at_eof)
        return reader, writer

    monkeypatch.setattr(Transport, "create", ended)
    async with cable(amqp_url) as line, idle(line) as (broker, subscription):
        line.break_off()
        with pytest.raises(BrokerUnavailable):
            await Link(line.url, "late", 5).channel()
        await until(lambda: not broker.connected and not subscription.alive)
        await asyncio.sleep(0.3)
        line.mend()
        await until(lambda: broker.connected and subscription.alive)


async def test_what_a_closing_connection_cancels_begins_anew(amqp_url: str) -> None:
    """The AMQP client cancels whoever waits for a connection whose heartbeats have stopped."""
    async with cable(amqp_url) as line, idle(line) as (broker, first):
        line.stall()
        second = await broker.subscribe("test.idle.upload", 1, lambda _: None)
        await asyncio.sleep(0.2)
        broker._consuming._connection._reader_task.cancel()  # type: ignore[union-attr]
        await until(lambda: not first.alive)
        line.cut()
        line.mend()
        await until(lambda: first.alive and second.alive)


@asynccontextmanager
async def idle(line: Cable) -> AsyncIterator[tuple[RabbitMQ, RabbitSubscription]]:
    """A broker with a subscription and nothing to do."""
    broker = RabbitMQ(line.url, "idle")
    try:
        await broker.declare(Lane("test.idle").topology)
        subscription = await broker.subscribe("test.idle.download", 1, lambda _: None)
        await until(lambda: subscription.alive)
        yield broker, subscription
    finally:
        await broker.close()


async def test_a_delivery_that_came_before_its_consumer_was_confirmed_is_lost_too(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has it must not publish anything in its place."""
    consume = Channel.basic_consume
    came: list[Delivery] = []

    async def broken(self: Channel, *arguments: Any, **options: Any) -> Any:
        await consume(self, *arguments, **options)
        await until(lambda: bool(came))
        line.break_off()
        raise ConnectionError("it broke before the answer")

    async with cable(amqp_url) as line:
        broker, lane = RabbitMQ(line.url, "early"), Lane("test.early")
        try:
            await broker.declare(lane.topology)
            await broker.publish(Message(b"{}"), lane.queue("download"))
            monkeypatch.setattr(Channel, "basic_consume", broken)
            await broker.subscribe(lane.queue("download"), 1, came.append)
            await until(lambda: bool(came) and came[0].lost.done())
        finally:
            await broker.close()
