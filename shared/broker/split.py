"""Reads frames off the connection: those of some channels for us, all others for aiormq.

aiormq takes each frame through two queues, two tasks and several objects. For what every job
needs (deliveries and confirms) that was a third of a stage's time (docs/decisions/0009-past-aiormq.md).
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import SupportsIndex

from shared.broker.frames import ALIVE, AROUND_BYTES, HEAD

# Takes a frame's kind and payload, or leaves it to aiormq: then it returns False.
Taker = Callable[[int, bytes], bool]
_ALIVE_SECONDS = 1.0
# A server of another version answers with a protocol header in place of a frame.
_NO_FRAME = ord("A")


class SplittingReader(asyncio.StreamReader):
    """The stream that aiormq reads, without the frames that somebody takes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._clock = loop.time
        self._takers: dict[int, Taker] = {}
        self._begun = b""
        self._told_alive = 0.0

    def take(self, channel: int, taker: Taker) -> None:
        """Let `taker` see the frames of a channel first, from now on."""
        self._takers[channel] = taker

    def release(self, channel: int, taker: Taker) -> None:
        """Leave the channel to aiormq again, unless its number has got another taker."""
        if self._takers.get(channel) == taker:
            del self._takers[channel]

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Pass on what came in, frame by frame."""
        assert isinstance(data, bytes)
        data = self._begun + data
        at = begin = 0
        while len(data) - at >= AROUND_BYTES and data[at] != _NO_FRAME:
            kind, channel, size = HEAD.unpack_from(data, at)
            end = at + size + AROUND_BYTES
            if end > len(data):
                break
            taker = self._takers.get(channel)
            if taker is not None and taker(kind, data[at + HEAD.size : end - 1]):
                self._leave(data[begin:at])
                begin = end
                self._say_alive()
            at = end
        if at < len(data) and data[at] == _NO_FRAME:
            at = len(data)
        self._leave(data[begin:at])
        self._begun = data[at:]

    def _leave(self, data: bytes) -> None:
        if data:
            super().feed_data(data)

    def _say_alive(self) -> None:
        """Or aiormq gives a connection up from which it hears nothing, be it ever so busy."""
        now = self._clock()
        if now - self._told_alive > _ALIVE_SECONDS:
            self._told_alive = now
            super().feed_data(ALIVE)
