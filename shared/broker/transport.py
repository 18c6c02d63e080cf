"""How aiormq connects: over streams that split what comes and gather what goes."""

import asyncio
from typing import Any

from aiormq.connection import SSLContextProvider, TransportFactory
from aiormq.exceptions import AMQPConnectionError
from yarl import URL

from shared.broker.coalesce import CoalescingWriter
from shared.broker.split import SplittingReader


class Transport(TransportFactory):
    """The streams of one connection, over TCP or TLS.

    Attributes:
        reader, writer: there once it is connected.
    """

    reader: SplittingReader
    writer: CoalescingWriter

    async def create(self, url: URL, **options: Any) -> tuple[SplittingReader, CoalescingWriter]:
        """Connect to `url`."""
        provider: SSLContextProvider = options.pop("ssl_context_provider")
        context = await provider.get_context() if url.scheme == "amqps" else None
        loop = asyncio.get_running_loop()
        self.reader = SplittingReader(loop)
        protocol = asyncio.StreamReaderProtocol(self.reader, loop=loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol, url.host or "", url.port or 0, ssl=context, **options
            )
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        self.writer = CoalescingWriter(transport, protocol, self.reader, loop)
        return self.reader, self.writer
