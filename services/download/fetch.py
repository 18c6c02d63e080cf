"""Sources on the web: streamed into a file, and gone on with after a broken connection."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
from aiohttp import ClientResponse, ClientTimeout
from yarl import URL

from services.download.guard import Blocked, Guard
from services.download.http_errors import network_errors, refusal
from services.download.resume import Version
from services.download.settings import DownloadSettings
from services.download.sink import Sink
from services.download.source import Fetched
from services.download.url import follow, parse
from shared.errors import MillraceError, SourceForbidden, SourceUnavailable
from shared.work import Work

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Another part than was asked for, or none: what is here already cannot be gone on with.
_NO_SUCH_RANGE = frozenset({206, 416})
_BUFFER_BYTES = 512 * 1024
_MAX_PAUSE_SECONDS = 5.0


@asynccontextmanager
async def open_session(settings: DownloadSettings) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that dials permitted addresses alone, and knows no proxies and no cookies."""
    connector = aiohttp.TCPConnector(
        limit=0, socket_factory=Guard(settings.allowed_networks).socket
    )
    async with aiohttp.ClientSession(
        connector=connector,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_BUFFER_BYTES,
        headers={
            "User-Agent": settings.user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        },
        timeout=ClientTimeout(
            total=None,
            connect=settings.download_connect_seconds,
            sock_read=settings.download_stall_seconds,
        ),
    ) as session:
        yield session


class WebSource:
    """`https://` and `http://` addresses. See `Source` for the errors."""

    def __init__(self, session: aiohttp.ClientSession, settings: DownloadSettings) -> None:
        self._session = session
        self._settings = settings

    async def fetch(self, address: str, target: Path, work: Work) -> Fetched:
        url = parse(address, self._settings.allowed_ports)
        with Sink(target, self._settings.max_download_bytes, work) as sink, _refusals_in_log(work):
            await self._receive(url, sink, work)
            return sink.fetched()

    async def _receive(self, url: URL, sink: Sink, work: Work) -> None:
        transfer = _Transfer(self._session, self._settings, sink)
        for pause in self._pauses():
            try:
                return await transfer.advance(url)
            except SourceUnavailable as error:
                if not sink.size:
                    raise
                work.log.info("download broke", reason=str(error), received_bytes=sink.size)
            await asyncio.sleep(pause)
        return await transfer.advance(url)

    def _pauses(self) -> Iterator[float]:
        """Seconds to wait before each resumption: a server that restarts needs some."""
        for resumed in range(self._settings.download_max_resumes):
            yield min(0.1 * 2**resumed, _MAX_PAUSE_SECONDS)


class _Transfer:
    """One source on its way into one sink, over as many connections as it takes."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: DownloadSettings, sink: Sink
    ) -> None:
        self._session = session
        self._settings = settings
        self._sink = sink
        self._version = Version()

    async def advance(self, url: URL) -> None:
        """Fetch what is missing; returns when the source is complete."""
        asked = self._version.rest_after(self._sink.size)
        async with self._answer(url, asked) as response:
            await self._begin(response, asked)
            host = response.url.host or ""
            while chunk := await _next_chunk(response, host):
                await self._sink.write(chunk)
        if self._version.size not in (None, self._sink.size):
            raise SourceUnavailable(f"source: {host} sent less than it announced")

    async def _begin(self, response: ClientResponse, asked: Mapping[str, str]) -> None:
        """Set up for a whole answer, or for the part that was asked for."""
        continued = self._version.continued_by(response.headers, self._sink.size) if asked else None
        if response.status == 206 and continued:
            self._version = continued
            return
        if response.status in _NO_SUCH_RANGE:
            self._version = Version()
        if response.status != 200:
            raise refusal(response.status, response.url.host or "")
        await self._sink.restart()
        await self._sink.expect(response.content_length)
        self._version = Version.of(response.headers, response.content_length)

    @asynccontextmanager
    async def _answer(self, url: URL, headers: Mapping[str, str]) -> AsyncIterator[ClientResponse]:
        """The answer at the end of all redirects."""
        for _ in range(self._settings.download_max_redirects + 1):
            with network_errors(url.host or ""):
                response = await self._session.get(url, headers=headers, allow_redirects=False)
            async with response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or location is None:
                    yield response
                    return
            url = follow(url, location, self._settings.allowed_ports)
        raise SourceForbidden(
            f"source: redirects more than {self._settings.download_max_redirects} times "
            "(DOWNLOAD_MAX_REDIRECTS)"
        )


async def _next_chunk(response: ClientResponse, host: str) -> bytes:
    with network_errors(host):
        return await response.content.readany()


@contextmanager
def _refusals_in_log(work: Work) -> Iterator[None]:
    """Log which address was refused; the user is told the name alone, not where it leads."""
    try:
        yield
    except MillraceError as error:
        blocked = getattr(error.__cause__, "os_error", None)
        if isinstance(blocked, Blocked):
            work.log.warning("address refused", address=blocked.address)
        raise
