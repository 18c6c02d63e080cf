"""What the consumer needs of a broker. Both adapters pass `tests/contract/broker/`."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.broker.topology import Topology

DEFAULT_EXCHANGE = ""
MAX_BODY_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it lies on the wire.

    Attributes:
        body: plain UTF-8 JSON.
        type: `millrace.<what>.v1`; absent in messages that users publish by hand.
        headers: AMQP headers; `attempt` counts a stage's attempts, `x-death` is the broker's.
        timestamp: seconds since the epoch.
    """

    body: bytes
    type: str | None = None
    message_id: str | None = None
    correlation_id: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    timestamp: float = field(default_factory=time.time)


class Delivery(Protocol):
    """A message that the broker waits to see acknowledged.

    Attributes:
        lost: done once the broker no longer waits, because the channel is gone: it will
            deliver the message again.
    """

    message: Message
    lost: asyncio.Future[None]

    async def ack(self) -> None:
        """Settle the delivery. On a lost channel this does nothing."""
        ...

    async def give_back(self) -> None:
        """Have it delivered again, which counts against the queue's delivery limit."""
        ...


class Subscription(Protocol):
    """A consumer on one queue, which comes back by itself after every disconnection."""

    @property
    def alive(self) -> bool:
        """Whether the broker has this consumer right now."""
        ...

    async def cancel(self) -> None:
        """Stop taking deliveries; those in hand can still be acknowledged."""
        ...

    async def close(self) -> None:
        """Stop taking deliveries, and give back those in hand, in their order."""
        ...


class Broker(Protocol):
    """Publishes and delivers messages, each at least once."""

    @property
    def connected(self) -> bool:
        """Whether messages can be published right now."""
        ...

    async def declare(self, topology: Topology) -> None:
        """Make sure that all of `topology` exists.

        Raises:
            TopologyMismatch: something exists with other arguments.
            BrokerUnavailable: the broker cannot be reached.
        """
        ...

    async def publish(
        self,
        message: Message,
        routing_key: str,
        exchange: str = DEFAULT_EXCHANGE,
        *,
        wanted: bool = True,
    ) -> None:
        """Publish, and return when the broker has confirmed that it has the message.

        Args:
            wanted: whether a queue must take it; an event may find nobody who listens.

        Raises:
            BrokerUnavailable: not confirmed in time, or no queue took a wanted message.
        """
        ...

    def tell(self, message: Message, routing_key: str, exchange: str) -> None:
        """Publish without waiting or confirmation: for updates that may be lost."""
        ...

    async def subscribe(
        self, queue: str, prefetch: int, receive: Callable[[Delivery], None]
    ) -> Subscription:
        """Call `receive` with each delivery, never more than `prefetch` unsettled at once."""
        ...

    def listen(
        self, exchange: str, pattern: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
        """What is published to the topic `exchange` from entering on: a queue of one's own."""
        ...

    async def depth(self, queue: str) -> int:
        """How many messages wait in `queue`."""
        ...

    async def close(self) -> None:
        """Close the connections; what was delivered and not settled is delivered again."""
        ...
