"""A TCP proxy in front of a server, which a test can cut like a cable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from yarl import URL


class Cable:
    """Connections to one server, and the knife.

    Attributes:
        url: of the server, through this proxy.
    """

    def __init__(self, url: str) -> None:
        self._target = URL(url)
        self._broken = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = url

    def cut(self) -> None:
        """Break every connection; new ones are let through."""
        for task in self._tasks:
            task.cancel()

    def break_off(self) -> None:
        """Break every connection, and take no more until `mend`."""
        self._broken = True
        self.cut()

    def mend(self) -> None:
        """Let connections through again."""
        self._broken = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self._broken:
                await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # cut, or the other end is gone
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond = await asyncio.open_connection(self._target.host, self._target.port or 5672)
        try:
            there = asyncio.ensure_future(_copy(reader, beyond[1]))
            back = asyncio.ensure_future(_copy(beyond[0], writer))
            try:
                await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        finally:
            beyond[1].transport.abort()

    async def ended(self) -> None:
        """Return when every connection is gone."""
        while self._tasks:
            await asyncio.wait(self._tasks)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()


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
