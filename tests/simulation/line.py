"""A process's connection to the broker: slow, cut off, and never sure what arrived."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import cast

from shared.broker.base import DEFAULT_EXCHANGE, Delivery, Message
from shared.broker.memory import MemoryDelivery, MemorySubscription
from shared.broker.topology import Topology
from shared.errors import BrokerUnavailable
from tests.simulation.virtual import Crashed, Process
from tests.simulation.world import World, moment


class Line:
    """The broker as one process sees it."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        self._faults = world.faults
        self._subscriptions: list[Subscribed] = []
        self.connected = True

    # ── losing it, and getting it back ───────────────────────────────────────────────────

    def cut(self) -> None:
        """The connection is gone: what was delivered will be delivered again."""
        self.connected = False
        for subscription in self._subscriptions:
            subscription.lose()

    def mend(self) -> None:
        """Connect again."""
        if self._process.alive and not self.connected:
            self.connected = True
            for subscription in self._subscriptions:
                subscription.resume()

    # ── the protocol ─────────────────────────────────────────────────────────────────────

    async def declare(self, topology: Topology) -> None:
        self._world.at_broker(self._world.broker.declare(topology))

    async def publish(
        self,
        message: Message,
        routing_key: str,
        exchange: str = DEFAULT_EXCHANGE,
        *,
        wanted: bool = True,
    ) -> None:
        self._step("publish", f"{exchange}→{routing_key} {message.type}", "before a publish")
        self._see_renewal()
        await self._travel()
        if not self.connected:
            raise BrokerUnavailable("simulated: not connected")
        if self._faults.strikes("publish not confirmed, not kept"):
            raise BrokerUnavailable("simulated: refused")
        self._world.route(message, routing_key, exchange)
        self._step("published", routing_key, "after a publish")
        await self._travel()
        if self._gone or self._faults.strikes("publish not confirmed, but kept"):
            raise BrokerUnavailable("simulated: no confirm came")

    def tell(self, message: Message, routing_key: str, exchange: str) -> None:
        """What may be lost is lost here."""

    async def subscribe(
        self, queue: str, prefetch: int, receive: Callable[[Delivery], None]
    ) -> "Subscribed":
        self._step("subscribe", queue, "before a subscription")
        subscription = Subscribed(self, queue, prefetch, receive)
        self._subscriptions.append(subscription)
        if self.connected:
            subscription.resume()
        self._step("subscribed", queue, "after a subscription")
        return subscription

    def listen(
        self, exchange: str, pattern: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
        return self._world.broker.listen(exchange, pattern)

    async def depth(self, queue: str) -> int:
        return cast(int, self._world.at_broker(self._world.broker.depth(queue)))

    async def close(self) -> None:
        self.cut()

    @property
    def _gone(self) -> bool:
        """Whether the connection was lost meanwhile."""
        return not self.connected

    def _see_renewal(self) -> None:
        task = asyncio.current_task()
        if task is not None and getattr(task.get_coro(), "__name__", "") == "_renewed":
            self._faults.saw("delivery renewed")

    # ── between the process and the broker ───────────────────────────────────────────────

    def _step(self, what: str, of: str, when: str) -> None:
        if not self._process.alive:
            raise Crashed
        self._world.note(self._process, what, of)
        if self._faults.strikes(f"crash {when}"):
            self._world.crash(self._process)

    async def _travel(self) -> None:
        if self._faults.strikes("message delayed"):
            await moment(self._world.random, 30)
        elif self._world.random.random() < self._faults.preemption:
            await moment(self._world.random, 0.05)


class Subscribed:
    """A consumer of one queue, which comes back with its connection."""

    def __init__(
        self, line: Line, queue: str, prefetch: int, receive: Callable[[Delivery], None]
    ) -> None:
        self.line = line
        self._queue = queue
        self._prefetch = prefetch
        self._receive = receive
        self._wanted = True
        self._at_broker: MemorySubscription | None = None
        self._delivered: list[Delivered] = []

    @property
    def alive(self) -> bool:
        return self._wanted and self.line.connected

    async def cancel(self) -> None:
        self._wanted = False
        if self._at_broker is not None:
            await self._at_broker.cancel()

    async def close(self) -> None:
        self._wanted = False
        self.lose()

    def resume(self) -> None:
        """Subscribe at the broker, unless it was cancelled meanwhile."""
        if self._wanted:
            world = self.line._world
            subscribing = world.broker.subscribe(self._queue, self._prefetch, self._deliver)
            self._at_broker = world.at_broker(subscribing)

    def lose(self) -> None:
        """The broker takes back what is not settled, and forgets this consumer."""
        world, at_broker = self.line._world, self._at_broker
        for delivered in self._delivered:
            delivered.lose()
        self._delivered.clear()
        if at_broker is not None:
            self._at_broker = None
            world.at_broker(at_broker.cancel())
            at_broker._queue.subscriptions.remove(at_broker)
            with world._machine.speaking():
                at_broker.lose()
                world.broker.settled(at_broker._queue)

    def _deliver(self, delivery: Delivery) -> None:
        """On its way to the process, which may take a while."""
        process, world = self.line._process, self.line._world
        delivered = Delivered(self.line, process, cast(MemoryDelivery, delivery))
        self._delivered.append(delivered)
        delay = world.random.random() * (30 if world.faults.strikes("message delayed") else 0.01)
        process.loop.call_later(delay, self._receive, delivered)


class Delivered:
    """A message in the hands of a process."""

    def __init__(self, line: Line, process: Process, delivery: MemoryDelivery) -> None:
        self.message = delivery.message
        self.lost: asyncio.Future[None] = process.loop.create_future()
        self._line = line
        self._delivery = delivery

    def lose(self) -> None:
        """The channel that it came on is gone."""
        if not self.lost.done():
            self.lost.set_result(None)

    async def ack(self) -> None:
        self._line._step("ack", self.message.type or "", "before an acknowledgement")
        if not self.lost.done():
            self._line._world.at_broker(self._delivery.ack())
        self._line._step("acked", self.message.type or "", "after an acknowledgement")

    async def give_back(self) -> None:
        if not self.lost.done():
            self._line._world.at_broker(self._delivery.give_back())
