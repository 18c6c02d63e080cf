"""Points around what a service does on the broker, and around what it hands to its children."""

import subprocess
from collections.abc import Callable, Sequence

from services.process.children import Child
from services.process.video.ffmpeg import program
from shared.broker.base import DEFAULT_EXCHANGE, Delivery, Message
from shared.broker.coalesce import CoalescingWriter
from shared.broker.rabbitmq import RabbitMQ, RabbitSubscription
from shared.work import Work
from tests.crash.points import Points


class MortalBroker(RabbitMQ):
    """RabbitMQ with a point before and after each operation."""

    def __init__(self, url: str, points: Points) -> None:
        super().__init__(url, "crash", confirm_seconds=10)
        self._points = points

    async def publish(
        self,
        message: Message,
        routing_key: str,
        exchange: str = DEFAULT_EXCHANGE,
        *,
        wanted: bool = True,
    ) -> None:
        with self._points.around("broker", f"publish {exchange} {routing_key}"):
            await super().publish(message, routing_key, exchange, wanted=wanted)

    def tell(self, message: Message, routing_key: str, exchange: str) -> None:
        with self._points.around("broker", f"tell {routing_key}"):
            super().tell(message, routing_key, exchange)

    async def subscribe(
        self, queue: str, prefetch: int, receive: Callable[[Delivery], None]
    ) -> RabbitSubscription:
        def received(delivery: Delivery) -> None:
            with self._points.around("broker", f"delivery {queue}"):
                receive(MortalDelivery(delivery, self._points))

        with self._points.around("broker", f"subscribe {queue}"):
            return await super().subscribe(queue, prefetch, received)


class MortalDelivery:
    """A delivery with a point before and after its acknowledgement."""

    def __init__(self, delivery: Delivery, points: Points) -> None:
        self._delivery = delivery
        self._points = points
        self.message = delivery.message
        self.lost = delivery.lost

    async def ack(self) -> None:
        with self._points.around("broker", "ack"):
            await self._delivery.ack()

    async def give_back(self) -> None:
        with self._points.around("broker", "give back"):
            await self._delivery.give_back()


def watch_wire(points: Points) -> None:
    """Points before and after each time that bytes for the broker reach the kernel, for good."""
    send = CoalescingWriter._send

    def sent(writer: CoalescingWriter) -> None:
        if not writer._kept:
            return
        with points.around("wire", "send"):
            send(writer)

    CoalescingWriter._send = sent  # type: ignore[method-assign, assignment]


def watch_children(points: Points) -> None:
    """Points before and after each call that a child process gets, for good."""
    call, start = Child._send, program._started

    async def called(child: Child, body: bytes, lock: int | None) -> None:
        with points.around("child", "call"):
            await call(child, body, lock)

    def started(argv: Sequence[str], work: Work) -> "subprocess.Popen[bytes]":
        with points.around("child", "start"):
            return start(argv, work)

    Child._send = called  # type: ignore[method-assign, assignment]
    program._started = started
