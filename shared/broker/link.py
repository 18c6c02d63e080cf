"""One AMQP connection that is made again when it is lost, and its channels.

This speaks through aiormq, the client below aio-pika: it hides neither confirms nor lost
channels (docs/decisions/0002-aiormq.md). What every job sends and gets goes past even that, on
the channels of `direct.py`.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, cast

import aiormq
from aiormq.abc import AbstractConnection
from aiormq.channel import Channel
from yarl import URL

from shared.broker import tolerant
from shared.broker.base import Message
from shared.broker.direct import Confirming, Delivering, Direct
from shared.broker.transport import Transport
from shared.errors import BrokerUnavailable

tolerant.install()
AMQP_ERRORS: Final = (
    aiormq.exceptions.AMQPError,
    aiormq.exceptions.ChannelInvalidStateError,
    OSError,
    RuntimeError,
    # What aiormq says of a connection that has ended before it was read from.
    StopAsyncIteration,
    TimeoutError,
)
# It is there, and does not want us: the user, the password.
_REFUSALS: Final = (
    aiormq.exceptions.AuthenticationError,
    aiormq.exceptions.ProbableAuthenticationError,
)
HEARTBEAT_SECONDS = 20


class Link:
    """A connection with a purpose (`publish`, `consume`) that shows in the broker's lists."""

    def __init__(self, url: str, name: str, connect_seconds: float) -> None:
        self._url = URL(url).update_query(name=name, heartbeat=str(HEARTBEAT_SECONDS))
        self._connect_seconds = connect_seconds
        self._connection: AbstractConnection | None = None
        self._transport = Transport()
        self._connecting = asyncio.Lock()
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether the connection is open right now."""
        return self._connection is not None and self._connection.is_opened

    async def channel(self) -> Channel:
        """A new channel, on a new connection where the last one is gone.

        Raises:
            BrokerUnavailable: the broker cannot be reached, or refuses.
        """
        return (await self._channel())[0]

    async def telling(self) -> Direct:
        """A channel to publish on without confirmation; raises what `channel` raises."""
        channel, on = await self._channel()
        return Direct(channel, on.reader, on.writer)

    async def confirming(self) -> Confirming:
        """A channel that confirms; raises what `channel` raises."""
        channel, on = await self._channel(confirms=True)
        return Confirming(channel, on.reader, on.writer)

    async def delivering(self, receive: Callable[[Message, int], None]) -> Delivering:
        """A channel to consume on; raises what `channel` raises."""
        channel, on = await self._channel()
        return Delivering(channel, on.reader, on.writer, receive)

    async def _channel(self, *, confirms: bool = False) -> tuple[Channel, Transport]:
        if self._closed:
            raise BrokerUnavailable("the connection to the broker is closed")
        try:
            async with surviving(), asyncio.timeout(self._connect_seconds):
                connection, transport = await self._open()
                channel = await connection.channel(publisher_confirms=confirms)
                return cast(Channel, channel), transport
        except _REFUSALS as error:
            raise BrokerUnavailable(f"RabbitMQ at {self._where} refuses: {error}") from error
        except aiormq.exceptions.InvalidFrameError as error:
            # The broker's reason, which aiormq does not tell; nothing else is asked for here.
            host = self._url.path[1:] or "/"
            raise BrokerUnavailable(
                f"RabbitMQ at {self._where} refuses the virtual host '{host}':"
                " it is not there, or not for this user"
            ) from error
        except AMQP_ERRORS as error:
            raise BrokerUnavailable(f"no RabbitMQ at {self._where}: {_reason(error)}") from error

    @property
    def _where(self) -> str:
        return f"{self._url.host}:{self._url.port or 5672}"

    async def _open(self) -> tuple[AbstractConnection, Transport]:
        async with self._connecting:
            if self._connection is None or not self._connection.is_opened:
                self._transport = Transport()
                self._connection = await aiormq.connect(
                    self._url, transport_factory=self._transport
                )
            return self._connection, self._transport

    async def close(self) -> None:
        """Close the connection for good; the broker takes back what is not settled."""
        self._closed = True
        if self._connection is not None:
            await asyncio.wait([asyncio.ensure_future(self._connection.close())], timeout=5)


@asynccontextmanager
async def surviving() -> AsyncIterator[None]:
    """Tell a connection that ends from our own end.

    A connection that closes cancels whatever waits for it. Where nobody has cancelled the task
    itself, that is one more way in which the broker is not there.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BrokerUnavailable("the connection closed meanwhile") from error


def pause() -> float:
    """Seconds until the next try to connect; each process waits another time."""
    return random.uniform(0.1, 0.7)


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
