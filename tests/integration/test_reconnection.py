"""A broker that goes and comes back, seen from a service with nothing to do."""

import asyncio

from shared.broker.rabbitmq import RabbitMQ
from shared.broker.topology import Lane
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
