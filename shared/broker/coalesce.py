"""Sends what one turn of the event loop writes to the broker in one piece.

uvloop and asyncio pass each frame to the kernel at once. A delivery makes several (a publish, an
update, an acknowledgement), each of which would wake the broker's reader: on loopback that cost
more than all of a stage's work on its files.
"""

import asyncio
from typing import Any

from aiormq.connection import TCPTransportFactory, TLSTransportFactory
from yarl import URL

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class CoalescingWriter(asyncio.StreamWriter):
    """A stream writer that keeps what is written until the event loop's next turn."""

    def __init__(self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(writer.transport, writer.transport.get_protocol(), reader, loop)
        self._event_loop = loop
        # A stream writer that is forgotten closes its transport, which is this one's as well.
        self._wrapped = writer
        self._kept: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._kept:
            self._event_loop.call_soon(self._send)
        self._kept.append(bytes(data))

    def _send(self) -> None:
        kept, self._kept = self._kept, []
        if kept and not self.is_closing():
            super().write(b"".join(kept))

    async def drain(self) -> None:
        self._send()
        await super().drain()

    def write_eof(self) -> None:
        self._send()
        super().write_eof()

    def close(self) -> None:
        self._send()
        super().close()


class Plain(TCPTransportFactory):
    """Connections over TCP."""

    async def create(self, url: URL, **options: Any) -> Streams:
        """Connect to `url`."""
        reader, writer = await super().create(url, **options)
        return reader, CoalescingWriter(writer, reader)


class Encrypted(TLSTransportFactory):
    """Connections over TLS."""

    async def create(self, url: URL, **options: Any) -> Streams:
        """Connect to `url`."""
        reader, writer = await super().create(url, **options)
        return reader, CoalescingWriter(writer, reader)


def transport(url: URL) -> Plain | Encrypted:
    """How to connect to `url`."""
    return Encrypted() if url.scheme == "amqps" else Plain()
