"""The brokers that the contract is for, each with a way to lose its connections."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiormq

from shared.broker.base import Broker, Delivery, Message
from shared.broker.memory import MemoryBroker
from shared.broker.rabbitmq import RabbitMQ
from shared.broker.topology import Exchange, Lane, Topology
from tests.proxy import Cable, cable
from tests.waiting import until

# Wait queues short enough for tests, and different enough to tell apart.
DELAYS = {"short": 0.1, "middle": 0.3, "long": 0.6}


@dataclass
class Subject:
    """A broker with a lane of its own.

    Attributes:
        cut: lose the connections of whoever consumes the named queue.
        again: a second client of the same broker; None where there can be none.
        cable: what connects to it, where it is another process.
    """

    broker: Broker
    lane: Lane
    cut: Callable[[str], None]
    again: Callable[[], Broker] | None = None
    cable: Cable | None = None

    @property
    def queue(self) -> str:
        return self.lane.queue("download")


@dataclass
class Inbox:
    """Takes deliveries, and settles none by itself."""

    deliveries: list[Delivery] = field(default_factory=list)

    def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)

    async def nth(self, number: int) -> Delivery:
        """The delivery with this number, from 1, once it is there."""
        await until(lambda: len(self.deliveries) >= number, f"delivery {number}")
        return self.deliveries[number - 1]

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.message.body for delivery in self.deliveries]


def new_lane() -> Lane:
    return Lane(f"test-{secrets.token_hex(4)}", DELAYS)


@asynccontextmanager
async def in_memory() -> AsyncIterator[Subject]:
    broker = MemoryBroker()
    yield Subject(broker, new_lane(), broker.sever)
    await broker.close()


@asynccontextmanager
async def on_rabbitmq(url: str) -> AsyncIterator[Subject]:
    lane = new_lane()
    async with cable(url) as line:
        broker = RabbitMQ(line.url, "test", confirm_seconds=10)
        try:
            yield Subject(
                broker, lane, lambda _: line.cut(), lambda: RabbitMQ(line.url, "other"), line
            )
        finally:
            await broker.close()
            await delete(url, lane.topology)
            await delete(url, Topology((Exchange(f"{lane.prefix}.lonely", "topic"),), ()))


async def delete(url: str, topology: Topology) -> None:
    """Remove everything of `topology` from the RabbitMQ at `url`."""
    connection = await aiormq.connect(url)
    try:
        channel = await connection.channel()
        for queue in topology.queues:
            await channel.queue_delete(queue.name)
        for exchange in topology.exchanges:
            await channel.exchange_delete(exchange.name)
    finally:
        await connection.close()


async def drained(broker: Broker, queue: str, count: int) -> list[Message]:
    """The next `count` messages of a queue, settled."""
    inbox = Inbox()
    subscription = await broker.subscribe(queue, count, inbox)
    await inbox.nth(count)
    for delivery in inbox.deliveries:
        await delivery.ack()
    await subscription.cancel()
    return [delivery.message for delivery in inbox.deliveries]
