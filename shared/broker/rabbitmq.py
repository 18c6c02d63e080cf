"""RabbitMQ, 3.10 and newer: two connections, one to publish and one to consume.

They are apart because the broker stops reading from a publishing connection when its memory
or disk runs low, and acknowledgements must not wait behind that.
"""

import asyncio
import secrets
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import aiormq
import structlog
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel

from shared.broker.base import DEFAULT_EXCHANGE, Delivery, Message
from shared.broker.direct import Confirming, Delivering, Direct
from shared.broker.link import AMQP_ERRORS, Link, pause, surviving
from shared.broker.topology import Topology, TopologyMismatch
from shared.errors import BrokerUnavailable

log = structlog.get_logger()
# Updates that wait to be sent; more are dropped, for they may be lost and must never hold work up.
OUTBOX_MESSAGES = 10_000
# How soon what could not be sent is tried again.
LOOK_SECONDS = 1.0


class RabbitMQ:
    """The broker of a service.

    Args:
        url: `amqp://user:password@host:port/vhost`.
        name: shown in the broker's list of connections.
        confirm_seconds: how long a publish may take before it counts as failed.
        connect_seconds: how long connecting may take.
    """

    def __init__(
        self, url: str, name: str, *, confirm_seconds: float = 30, connect_seconds: float = 10
    ) -> None:
        self._publishing = Link(url, f"millrace {name} publish", connect_seconds)
        self._consuming = Link(url, f"millrace {name} consume", connect_seconds)
        self._confirm_seconds = confirm_seconds
        self._confirmed: Confirming | None = None
        self._opening = asyncio.Lock()
        self._unconfirmed: Direct | None = None
        self._outbox: deque[tuple[Message, str, str]] = deque()
        self._telling: asyncio.Task[None] | None = None
        self._subscriptions: weakref.WeakSet[RabbitSubscription] = weakref.WeakSet()

    @property
    def connected(self) -> bool:
        return self._publishing.connected

    async def declare(self, topology: Topology) -> None:
        channel = await self._publishing.channel()
        self._keep_connected()
        try:
            async with surviving():
                await _declare(channel, topology)
        except AMQP_ERRORS as error:
            raise BrokerUnavailable(f"declaring the queues failed: {error}") from error
        finally:
            with suppress(*AMQP_ERRORS):
                await channel.close()

    async def publish(
        self,
        message: Message,
        routing_key: str,
        exchange: str = DEFAULT_EXCHANGE,
        *,
        wanted: bool = True,
    ) -> None:
        channel = self._confirmed
        if channel is None or channel.is_closed:
            channel = await self._confirmed_channel()
        await channel.publish(
            message, routing_key, exchange, wanted=wanted, seconds=self._confirm_seconds
        )

    async def _confirmed_channel(self) -> Confirming:
        async with self._opening:
            if self._confirmed is None or self._confirmed.is_closed:
                self._confirmed = await self._publishing.confirming()
            return self._confirmed

    def tell(self, message: Message, routing_key: str, exchange: str) -> None:
        self._keep_connected()
        if len(self._outbox) < OUTBOX_MESSAGES:
            self._outbox.append((message, routing_key, exchange))
            self._empty_outbox()

    def _keep_connected(self) -> None:
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """Keep a channel open to tell on.

        So the connection comes back also where nothing is published.
        """
        while True:
            with suppress(Exception):
                async with surviving():
                    await self._tell_on(await self._publishing.telling())
            await asyncio.sleep(pause())

    async def _tell_on(self, channel: Direct) -> None:
        self._unconfirmed = channel
        while not channel.is_closed:
            self._empty_outbox()
            await asyncio.wait([channel.closing], timeout=LOOK_SECONDS)

    def _empty_outbox(self) -> None:
        channel = self._unconfirmed
        while self._outbox and channel and not channel.is_closed and not channel.congested:
            channel.send(*self._outbox.popleft(), persistent=False, mandatory=False)

    async def subscribe(
        self, queue: str, prefetch: int, receive: Callable[[Delivery], None]
    ) -> "RabbitSubscription":
        subscription = RabbitSubscription(self._consuming, queue, prefetch, receive)
        self._subscriptions.add(subscription)
        return subscription

    @asynccontextmanager
    async def listen(self, exchange: str, pattern: str) -> AsyncIterator[AsyncIterator[Message]]:
        messages: asyncio.Queue[Message] = asyncio.Queue()
        direct = await self._consuming.delivering(lambda message, _: messages.put_nowait(message))
        channel = direct.opened
        queue = str((await channel.queue_declare(exclusive=True, auto_delete=True)).queue)
        await channel.queue_bind(queue, exchange, pattern)
        await channel.basic_consume(queue, _unused, no_ack=True)
        try:
            yield _until_closed(messages, channel)
        finally:
            with suppress(*AMQP_ERRORS):
                await channel.close()

    async def depth(self, queue: str) -> int:
        channel = await self._publishing.channel()
        try:
            async with surviving():
                return int((await channel.queue_declare(queue, passive=True)).message_count or 0)
        except AMQP_ERRORS as error:
            raise BrokerUnavailable(f"the queue '{queue}' cannot be asked: {error}") from error
        finally:
            with suppress(*AMQP_ERRORS):
                await channel.close()

    async def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.stop()
        if self._telling is not None:
            await self._flush()
            self._telling.cancel()
        await self._consuming.close()
        await self._publishing.close()

    async def _flush(self) -> None:
        for _ in range(20):
            if not self._outbox or not self._publishing.connected:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.05)


class RabbitDelivery:
    """One delivery on one channel."""

    __slots__ = ("_channel", "_tag", "lost", "message")

    def __init__(
        self, message: Message, tag: int, channel: Delivering, lost: asyncio.Future[None]
    ) -> None:
        self.message = message
        self.lost = lost
        self._channel = channel
        self._tag = tag

    async def ack(self) -> None:
        self._channel.acknowledge(self._tag)

    async def give_back(self) -> None:
        self._channel.give_back(self._tag)


class RabbitSubscription:
    """A consumer that is declared again, on a new channel, whenever the last one is gone."""

    def __init__(
        self, link: Link, queue: str, prefetch: int, receive: Callable[[Delivery], None]
    ) -> None:
        self._link = link
        self._queue = queue
        self._prefetch = prefetch
        self._receive = receive
        self._channel: Channel | None = None
        self._tag = ""
        self._consuming = False
        self._running = asyncio.create_task(self._run())

    @property
    def alive(self) -> bool:
        return self._consuming and self._asked_for

    @property
    def _asked_for(self) -> bool:
        """Whether the broker has this consumer, or is about to."""
        channel = self._channel
        return channel is not None and not channel.is_closed and self._tag in channel.consumers

    async def cancel(self) -> None:
        try:
            if self._asked_for and self._channel:
                with suppress(*AMQP_ERRORS):
                    await self._channel.basic_cancel(self._tag, timeout=5)
        finally:
            self._consuming = False
            self.stop()

    async def close(self) -> None:
        await self.cancel()
        if self._channel is not None:
            with suppress(*AMQP_ERRORS):
                await self._channel.close()

    def stop(self) -> None:
        """Do not come back after the next disconnection."""
        self._running.cancel()

    async def _run(self) -> None:
        while True:
            try:
                async with surviving():
                    await self._consume()
            except Exception as error:  # whatever it is: without a consumer nothing is done
                log.warning("consumer lost", queue=self._queue, reason=str(error))
            await asyncio.sleep(pause())

    async def _consume(self) -> None:
        self._consuming = False
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def receive(message: Message, tag: int) -> None:
            self._receive(RabbitDelivery(message, tag, direct, lost))

        direct = await self._link.delivering(receive)
        self._channel = channel = direct.opened
        gone = asyncio.Event()
        channel.on_consumer_cancel_callbacks.add(lambda _: gone.set())
        closing = channel.closing
        closing.add_done_callback(lambda _: gone.set())
        # However the channel ends, and also where it does before the consumer is confirmed: the
        # first deliveries may be here by then. Told to stop, it stays open for what is in hand.
        closing.add_done_callback(lambda _: _resolve(lost))
        await channel.basic_qos(prefetch_count=self._prefetch)
        # The first delivery may be here before the broker's answer: the tag is ours.
        self._tag = secrets.token_hex(8)
        await channel.basic_consume(self._queue, _unused, consumer_tag=self._tag)
        self._consuming = True
        log.info("consuming", queue=self._queue, prefetch=self._prefetch)
        await gone.wait()
        with suppress(*AMQP_ERRORS):
            await channel.close()


async def _unused(_: DeliveredMessage) -> None:
    """Deliveries never get as far as aiormq's own consumers."""


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _declare(channel: Channel, topology: Topology) -> None:
    for exchange in topology.exchanges:
        with _naming(f"exchange '{exchange.name}'"):
            await channel.exchange_declare(exchange.name, exchange_type=exchange.type, durable=True)
    for queue in topology.queues:
        with _naming(f"queue '{queue.name}'"):
            await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
        for source, key in queue.bindings.items():
            await channel.queue_bind(queue.name, source, key)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Turn the broker's refusal of other arguments into an error that says what to do."""
    try:
        yield
    except aiormq.exceptions.ChannelPreconditionFailed as error:
        raise TopologyMismatch(
            f"the {what} exists with other arguments ({error}); "
            "delete it once it is empty, or choose another QUEUE_PREFIX"
        ) from error


async def _until_closed(
    messages: asyncio.Queue[Message], channel: Channel
) -> AsyncIterator[Message]:
    closing = channel.closing
    while not channel.is_closed:
        following = asyncio.ensure_future(messages.get())
        try:
            await asyncio.wait([following, closing], return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                break
            yield following.result()
        finally:
            following.cancel()
    raise BrokerUnavailable("the connection to the broker was lost while listening")
