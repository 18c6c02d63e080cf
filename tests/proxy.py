"""A TCP proxy in front of a server, which a test can cut, reset or clog like a cable."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from yarl import URL


class Cable:
    """Connections to one server, and the knife.

    Attributes:
        url: of the server, through this proxy.
        broken: whether it takes no more connections.
        carried: how many connections there have been so far.
    """

    def __init__(self, url: str) -> None:
        self._target = URL(url)
        self.broken = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.url = url
        self.carried = 0

    @property
    def connections(self) -> int:
        """How many connections there are right now."""
        return len(self._tasks)

    def cut(self) -> None:
        """Break every connection; new ones are let through."""
        for task in self._tasks:
            task.cancel()

    def reset(self) -> None:
        """Break every connection as a crashed machine does: the client gets a reset."""
        for writer in self._tasks.values():
            found = writer.get_extra_info("socket")
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut()

    def stall(self) -> None:
        """Keep every connection, and let no byte through until `mend`."""
        self._flowing.clear()

    def break_off(self) -> None:
        """Break every connection, and take no more until `mend`."""
        self.broken = True
        self.cut()

    def mend(self) -> None:
        """Let connections through again, and what they carry."""
        self.broken = False
        self._flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = writer
        try:
            if not self.broken:
                self.carried += 1
                await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # cut, or the other end is gone
        finally:
            self._tasks.pop(task, None)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond = await asyncio.open_connection(self._target.host, self._target.port or 5672)
        try:
            there = asyncio.ensure_future(self._copy(reader, beyond[1]))
            back = asyncio.ensure_future(self._copy(beyond[0], writer))
            try:
                await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        finally:
            beyond[1].transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await reader.read(65536):
                await self._flowing.wait()
                writer.write(content)
                await writer.drain()

    async def ended(self) -> None:
        """Return when every connection is gone."""
        while self._tasks:
            await asyncio.wait(self._tasks)


@asynccontextmanager
async def cable(url: str) -> AsyncIterator[Cable]:
    """A cable to the server at `url`."""
    line = Cable(url)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line.url = str(URL(url).with_host("127.0.0.1").with_port(port))
    try:
        yield line
    finally:
        server.close()
        line.cut()
        await line.ended()
        await server.wait_closed()
