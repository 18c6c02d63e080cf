"""One AMQP connection that is made again when it is lost, and its channels.

This speaks through aiormq, the client below aio-pika, directly: it hides neither confirms nor
lost channels, and costs about half of what the object layer above it costs per message
(docs/decisions/0002-aiormq.md).
"""

import asyncio
import random
from typing import Final, cast

import aiormq
from aiormq.abc import AbstractConnection
from aiormq.channel import Channel
from yarl import URL

from shared.broker import tolerant
from shared.broker.coalesce import transport
from shared.errors import BrokerUnavailable

tolerant.install()
AMQP_ERRORS: Final = (
    aiormq.exceptions.AMQPError,
    aiormq.exceptions.ChannelInvalidStateError,
    OSError,
    RuntimeError,
    TimeoutError,
)
HEARTBEAT_SECONDS = 20


class Link:
    """A connection with a purpose (`publish`, `consume`) that shows in the broker's lists."""

    def __init__(self, url: str, name: str, connect_seconds: float) -> None:
        self._url = URL(url).update_query(name=name, heartbeat=str(HEARTBEAT_SECONDS))
        self._connect_seconds = connect_seconds
        self._connection: AbstractConnection | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether the connection is open right now."""
        return self._connection is not None and self._connection.is_opened

    async def channel(self, *, confirms: bool) -> Channel:
        """A new channel, on a new connection where the last one is gone.

        Raises:
            BrokerUnavailable: the broker cannot be reached, or refuses.
        """
        if self._closed:
            raise BrokerUnavailable("the connection to the broker is closed")
        try:
            async with asyncio.timeout(self._connect_seconds):
                connection = await self._open()
                channel = await connection.channel(
                    publisher_confirms=confirms, on_return_raises=confirms
                )
                return cast(Channel, channel)
        except AMQP_ERRORS as error:
            where = f"{self._url.host}:{self._url.port or 5672}"
            raise BrokerUnavailable(f"no RabbitMQ at {where}: {_reason(error)}") from error

    async def _open(self) -> AbstractConnection:
        async with self._connecting:
            if self._connection is None or not self._connection.is_opened:
                self._connection = await aiormq.connect(
                    self._url, transport_factory=transport(self._url)
                )
            return self._connection

    async def close(self) -> None:
        """Close the connection for good; the broker takes back what is not settled."""
        self._closed = True
        if self._connection is not None:
            await asyncio.wait([asyncio.ensure_future(self._connection.close())], timeout=5)


def pause() -> float:
    """Seconds until the next try to connect; each process waits another time."""
    return random.uniform(0.1, 0.7)


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
