"""Sends what one turn of the event loop writes to the broker in one piece.

uvloop and asyncio pass each frame to the kernel at once. A delivery makes several (a publish, an
update, an acknowledgement), each of which would wake the broker's reader: on loopback that cost
more than all of a stage's work on its files.
"""

import asyncio
from typing import Any

CONGESTED_BYTES = 1 << 20


class CoalescingWriter(asyncio.StreamWriter):
    """A stream writer that keeps what is written until the event loop's next turn."""

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        protocol: Any,
        reader: asyncio.StreamReader,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(transport, protocol, reader, loop)
        self._event_loop = loop
        self._kept: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._kept:
            self._event_loop.call_soon(self._send)
        self._kept.append(bytes(data))

    @property
    def congested(self) -> bool:
        """Whether the broker does not read what was written a while ago."""
        return self.transport.get_write_buffer_size() > CONGESTED_BYTES

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
