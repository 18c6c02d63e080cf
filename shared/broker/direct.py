"""Channels whose messages go straight between the socket and the service, past aiormq.

aiormq opens them, closes them, declares, consumes and cancels on them; published, delivered,
confirmed and acknowledged is here (docs/decisions/0009-past-aiormq.md).
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiormq.channel import Channel

from shared.broker import frames
from shared.broker.base import Message
from shared.broker.coalesce import CoalescingWriter
from shared.broker.split import SplittingReader, Taker
from shared.errors import BrokerUnavailable


class Direct:
    """One channel.

    Attributes:
        opened: the channel as aiormq has it.
        closing: done when the channel is gone.
    """

    def __init__(self, channel: Channel, reader: SplittingReader, writer: CoalescingWriter) -> None:
        self.opened = channel
        self.closing: asyncio.Future[Any] = channel.closing
        self._number = channel.number
        self._frame_max = channel.connection.connection_tune.frame_max
        self._reader = reader
        self._writer = writer

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.closing.done()

    @property
    def congested(self) -> bool:
        """Whether the broker does not read what it was sent."""
        return self._writer.congested

    def send(self, message: Message, routing_key: str, exchange: str, **how: bool) -> None:
        """Publish without waiting for anything."""
        self._writer.write(
            frames.publish(
                self._number, exchange, routing_key, message, frame_max=self._frame_max, **how
            )
        )

    def acknowledge(self, tag: int) -> None:
        """Settle one delivery. On a lost channel this does nothing."""
        if not self.is_closed:
            self._writer.write(frames.acknowledge(self._number, tag))

    def give_back(self, tag: int) -> None:
        """Have one delivery delivered again. On a lost channel this does nothing."""
        if not self.is_closed:
            self._writer.write(frames.give_back(self._number, tag))

    def _listen(self, taker: Taker) -> None:
        self._reader.take(self._number, taker)
        self.closing.add_done_callback(lambda _: self._reader.release(self._number, taker))


class Delivering(Direct):
    """A channel with one consumer.

    Args:
        receive: is called with each message and its delivery tag.
    """

    def __init__(
        self,
        channel: Channel,
        reader: SplittingReader,
        writer: CoalescingWriter,
        receive: Callable[[Message, int], None],
    ) -> None:
        super().__init__(channel, reader, writer)
        self._receive = receive
        self._tag = 0
        self._header = b""
        self._body: list[bytes] = []
        self._missing = 0
        self._listen(self._take)

    def _take(self, kind: int, payload: bytes) -> bool:
        """A delivery is a method, a header, and as many parts of a body as its size says."""
        if kind == frames.METHOD:
            if not payload.startswith(frames.DELIVER):
                return False
            self._tag = frames.delivery_tag(payload)
            return True
        if kind == frames.HEADER:
            self._header, self._body = payload, []
            self._missing = frames.body_size(payload)
        else:
            self._body.append(payload)
            self._missing -= len(payload)
        if self._missing == 0:
            self._receive(frames.message(self._header, b"".join(self._body)), self._tag)
        return True


class Confirming(Direct):
    """A channel on which the broker confirms what it was sent, in the order of sending."""

    def __init__(self, channel: Channel, reader: SplittingReader, writer: CoalescingWriter) -> None:
        super().__init__(channel, reader, writer)
        self._loop = asyncio.get_running_loop()
        self._sent = 0
        self._owed: dict[int, tuple[asyncio.Future[None], str, str]] = {}
        self._listen(self._take)
        self.closing.add_done_callback(lambda _: self._fail_all())

    async def publish(
        self, message: Message, routing_key: str, exchange: str, *, wanted: bool, seconds: float
    ) -> None:
        """Publish, and return when the broker has confirmed.

        Raises:
            BrokerUnavailable: refused, unroutable, not in time, or the channel was closed.
        """
        self.send(message, routing_key, exchange, persistent=True, mandatory=wanted)
        self._sent += 1
        confirmed = self._loop.create_future()
        self._owed[self._sent] = (confirmed, exchange, routing_key)
        late = self._loop.call_later(
            seconds, _fail, confirmed, f"'{routing_key}' was not confirmed in time"
        )
        try:
            await confirmed
        finally:
            late.cancel()

    def _take(self, kind: int, payload: bytes) -> bool:
        if kind != frames.METHOD:
            return True  # the content of what came back
        if payload.startswith(frames.ACK):
            for confirmed, _, _ in self._settled(payload):
                _succeed(confirmed)
        elif payload.startswith(frames.NACK):
            for confirmed, _, routing_key in self._settled(payload):
                _fail(confirmed, f"the broker refused the message for '{routing_key}'")
        elif payload.startswith(frames.RETURN):
            self._came_back(*frames.returned_from(payload))
        else:
            return False
        return True

    def _settled(self, payload: bytes) -> list[tuple[asyncio.Future[None], str, str]]:
        tag, multiple = frames.tag_and_multiple(payload)
        if not multiple:
            return [self._owed.pop(tag)] if tag in self._owed else []
        tags = [owed for owed in self._owed if owed <= tag]
        return [self._owed.pop(tag) for tag in tags]

    def _came_back(self, exchange: str, routing_key: str) -> None:
        """Nobody takes that key: whatever is on its way to it counts as come back.

        A return does not say which message it was, and ids need not be there or be unique.
        Another that gets through nevertheless is published twice, as any may be.
        """
        for confirmed, *to in self._owed.values():
            if to == [exchange, routing_key]:
                _fail(confirmed, f"no queue takes '{exchange}' → '{routing_key}'")

    def _fail_all(self) -> None:
        owed, self._owed = self._owed, {}
        for confirmed, _, routing_key in owed.values():
            _fail(confirmed, f"the channel closed before '{routing_key}' was confirmed")


def _succeed(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], reason: str) -> None:
    if not future.done():
        future.set_exception(BrokerUnavailable(reason))
