"""A broker in this process, for embedding and for tests: its queues die with the process.

It does what Millrace relies on in RabbitMQ: bytes on the wire, prefetch, redelivery after a lost
channel, delivery limits, delays through wait queues, dead letters, topic exchanges.
"""

import asyncio
import itertools
import re
from bisect import insort
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from shared.broker.base import DEFAULT_EXCHANGE, Delivery, Message
from shared.broker.topology import Exchange, Queue, Topology, TopologyMismatch
from shared.errors import BrokerUnavailable


@dataclass(eq=False)
class _Kept:
    """A message in a queue, its place there, and how often it came back unsettled."""

    message: Message
    place: int
    returned: int = 0


@dataclass(eq=False)
class _Queue:
    declared: Queue
    ready: deque[_Kept] = field(default_factory=deque)
    subscriptions: list["MemorySubscription"] = field(default_factory=list)

    @property
    def arguments(self) -> Any:
        return self.declared.arguments


class MemoryBroker:
    """All queues of one process."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self._exchanges: dict[str, Exchange] = {}
        self._bindings: dict[str, list[tuple[str, str]]] = {}
        self._places = itertools.count()
        self._timers: set[asyncio.TimerHandle] = set()
        self._closed = False

    @property
    def connected(self) -> bool:
        return not self._closed

    async def declare(self, topology: Topology) -> None:
        for exchange in topology.exchanges:
            self._declare(self._exchanges, "exchange", exchange, exchange)
        for queue in topology.queues:
            known = self._queues.get(queue.name)
            if known is not None and known.declared != queue:
                raise TopologyMismatch(f"the queue '{queue.name}' exists with other arguments")
            self._queues.setdefault(queue.name, _Queue(queue))
            for source, key in queue.bindings.items():
                self._bind(source, key, queue.name)

    def _declare(
        self, known: dict[str, Exchange], what: str, exchange: Exchange, new: Exchange
    ) -> None:
        if known.setdefault(exchange.name, new) != exchange:
            raise TopologyMismatch(f"the {what} '{exchange.name}' exists with another type")

    def _bind(self, exchange: str, key: str, queue: str) -> None:
        bindings = self._bindings.setdefault(exchange, [])
        if (key, queue) not in bindings:
            bindings.append((key, queue))

    async def publish(
        self,
        message: Message,
        routing_key: str,
        exchange: str = DEFAULT_EXCHANGE,
        *,
        wanted: bool = True,
    ) -> None:
        if self._closed:
            raise BrokerUnavailable("the broker is closed")
        if not self._route(message, routing_key, exchange) and wanted:
            raise BrokerUnavailable(f"no queue takes '{exchange}' → '{routing_key}'")

    def tell(self, message: Message, routing_key: str, exchange: str) -> None:
        if not self._closed:
            self._route(message, routing_key, exchange)

    def _route(self, message: Message, routing_key: str, exchange: str) -> bool:
        """Put the message into every queue it belongs in; whether there was one."""
        targets = self._targets(routing_key, exchange)
        for name in targets:
            kept = _Kept(_remembering(message, routing_key), next(self._places))
            self._keep(self._queues[name], kept)
        return bool(targets)

    def _targets(self, routing_key: str, exchange: str) -> list[str]:
        if exchange == DEFAULT_EXCHANGE:
            return [routing_key] if routing_key in self._queues else []
        if exchange not in self._exchanges:
            return []
        fanout = self._exchanges[exchange].type == "fanout"
        return [
            queue
            for pattern, queue in self._bindings.get(exchange, ())
            if fanout or matches(pattern, routing_key)
        ]

    def _keep(self, queue: _Queue, kept: _Kept) -> None:
        queue.ready.append(kept)
        limit = queue.arguments.get("x-max-length")
        if limit is not None and len(queue.ready) > limit:
            queue.ready.popleft()
        ttl = queue.arguments.get("x-message-ttl")
        if ttl is not None:
            self._later(ttl / 1000, lambda: self._expire(queue, kept))
        self._deliver(queue)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)

    def _expire(self, queue: _Queue, kept: _Kept) -> None:
        if kept in queue.ready:
            queue.ready.remove(kept)
            self._dead_letter(queue, kept, "expired")

    def _dead_letter(self, queue: _Queue, kept: _Kept, reason: str) -> None:
        arguments = queue.arguments
        if "x-dead-letter-exchange" not in arguments:
            return
        message = kept.message
        key = arguments.get("x-dead-letter-routing-key", message.headers.get(_KEY, ""))
        death = {"queue": queue.declared.name, "reason": reason}
        deaths = [death, *(message.headers.get("x-death") or ())]
        dead = replace(message, headers={**message.headers, "x-death": deaths})
        self._route(dead, key, arguments["x-dead-letter-exchange"])

    def _deliver(self, queue: _Queue) -> None:
        """Hand out what is ready, in turn, to whoever has room."""
        while queue.ready:
            free = next((one for one in queue.subscriptions if one.has_room), None)
            if free is None:
                break
            queue.subscriptions.remove(free)
            queue.subscriptions.append(free)
            free.take(queue.ready.popleft())

    async def subscribe(
        self, queue: str, prefetch: int, receive: Callable[[Delivery], None]
    ) -> "MemorySubscription":
        kept_in = self._queues[queue]
        subscription = MemorySubscription(self, kept_in, prefetch, receive)
        kept_in.subscriptions.append(subscription)
        self._deliver(kept_in)
        return subscription

    def returned(self, queue: _Queue, kept: _Kept) -> None:
        """An unsettled message comes back, or has come back too often."""
        kept.returned += 1
        limit = queue.arguments.get("x-delivery-limit")
        if limit is not None and kept.returned > limit:
            self._dead_letter(queue, kept, "delivery_limit")
        else:
            insort(queue.ready, kept, key=lambda one: one.place)

    def settled(self, queue: _Queue) -> None:
        """A consumer has room again."""
        if not self._closed:
            self._deliver(queue)

    def sever(self, queue: str) -> None:
        """Lose the channels of all consumers of `queue`, as a broken connection does.

        The consumers come back at once; what they had not settled is delivered again.
        """
        lost = self._queues[queue]
        for subscription in [*lost.subscriptions]:
            subscription.lose()
        self._deliver(lost)

    @asynccontextmanager
    async def listen(self, exchange: str, pattern: str) -> AsyncIterator[AsyncIterator[Message]]:
        messages: asyncio.Queue[Message] = asyncio.Queue()
        name = f"listener.{id(messages)}"
        await self.declare(Topology((), (Queue(name),)))
        self._bind(exchange, pattern, name)

        def receive(delivery: Delivery) -> None:
            messages.put_nowait(delivery.message)
            cast(MemoryDelivery, delivery).settle()

        await self.subscribe(name, 2**31, receive)
        try:
            yield _each(messages)
        finally:
            self._bindings[exchange].remove((pattern, name))
            del self._queues[name]

    async def depth(self, queue: str) -> int:
        if queue not in self._queues:
            raise BrokerUnavailable(f"the queue '{queue}' does not exist")
        return len(self._queues[queue].ready)

    async def close(self) -> None:
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        for queue in self._queues.values():
            for subscription in queue.subscriptions:
                subscription.lose()


class MemoryDelivery:
    """One delivery to one consumer."""

    def __init__(self, subscription: "MemorySubscription", kept: _Kept) -> None:
        self.message = _as_delivered(kept.message)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._subscription = subscription

    async def ack(self) -> None:
        self.settle()

    async def give_back(self) -> None:
        self._subscription.give_back(self)

    def settle(self) -> None:
        """Acknowledge at once."""
        self._subscription.settle(self)


class MemorySubscription:
    """A consumer on one queue."""

    def __init__(
        self,
        broker: MemoryBroker,
        queue: _Queue,
        prefetch: int,
        receive: Callable[[Delivery], None],
    ) -> None:
        self._broker = broker
        self._queue = queue
        self._prefetch = prefetch
        self._receive = receive
        self._unsettled: dict[MemoryDelivery, _Kept] = {}
        self._cancelled = False

    @property
    def alive(self) -> bool:
        return not self._cancelled and self._broker.connected

    @property
    def has_room(self) -> bool:
        """Whether another delivery may be handed out."""
        return self.alive and len(self._unsettled) < self._prefetch

    async def cancel(self) -> None:
        self._cancelled = True

    async def close(self) -> None:
        self._cancelled = True
        self.lose()
        self._queue.subscriptions.remove(self)
        self._broker.settled(self._queue)

    def take(self, kept: _Kept) -> None:
        """Deliver one message."""
        delivery = MemoryDelivery(self, kept)
        self._unsettled[delivery] = kept
        asyncio.get_running_loop().call_soon(self._receive, delivery)

    def settle(self, delivery: MemoryDelivery) -> None:
        """Forget a delivery for good. On a lost channel this does nothing."""
        if self._unsettled.pop(delivery, None) is not None:
            self._broker.settled(self._queue)

    def give_back(self, delivery: MemoryDelivery) -> None:
        """Have one message delivered again. On a lost channel this does nothing."""
        kept = self._unsettled.pop(delivery, None)
        if kept is not None:
            self._broker.returned(self._queue, kept)
            self._broker.settled(self._queue)

    def lose(self) -> None:
        """Give back all that is not settled."""
        unsettled, self._unsettled = self._unsettled, {}
        for delivery, kept in unsettled.items():
            delivery.lost.set_result(None)
            self._broker.returned(self._queue, kept)


# Where a message keeps its routing key while it lies in a queue; never shown to a consumer.
_KEY = "memory-routing-key"


def _remembering(message: Message, routing_key: str) -> Message:
    return replace(message, headers={**message.headers, _KEY: routing_key})


def _as_delivered(message: Message) -> Message:
    shown = {key: value for key, value in message.headers.items() if key != _KEY}
    return replace(message, headers=shown)


def matches(pattern: str, routing_key: str) -> bool:
    """Whether a topic binding's pattern (`*` one word, `#` any number) takes a routing key."""
    expression = re.escape(pattern).replace(r"\#", "#").replace(r"\*", r"[^.]+")
    expression = expression.replace(r"\.#", r"(\..*)?").replace(r"#\.", r"(.*\.)?")
    return re.fullmatch(expression.replace("#", ".*"), routing_key) is not None


async def _each(messages: asyncio.Queue[Message]) -> AsyncIterator[Message]:
    while True:
        yield await messages.get()
