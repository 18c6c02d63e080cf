"""No spelling of an address that is not public is dialled: 300 of them, at a server that waits.

The server listens on every address of this machine and would answer; besides, every call of
`connect` in this process is noted, so that an attempt at 10.0.0.1 would be seen as well.
"""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector

from services.download.fetch import WebSource, open_session
from services.download.settings import DownloadSettings
from shared.errors import SourceForbidden
from tests.conftest import ROOT
from tests.integration.spellings import RELATIVE, SPELLINGS, address
from tests.unit.services.download.work import FolderWork

PHOTO = (ROOT / "examples" / "mountains.jpg").read_bytes()[:100_000]
STATUSES = (301, 302, 303, 307, 308)
HERE = "127.0.0.77"  # Linux answers on all of 127.0.0.0/8
ENTRIES = [(kind, entry) for kind, table in SPELLINGS.items() for entry in table.split()]

_dials: list[Any] = []
_asked: list[Any] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        _dials.append(arguments[1][0])
    elif event == "socket.getaddrinfo":
        _asked.append(arguments[0])


sys.addaudithook(_note)  # for good: there is no way to take one off


class Web:
    """A server on every address of this machine, and what was dialled to reach it.

    Attributes:
        port: the same for IPv4 and IPv6.
        connections: how many were made.
        location: where /redirect/STATUS leads to.
        cut: how many bytes of the photo are sent before the connection breaks.
        answered: called after each answer.
    """

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.location = ""
        self.cut = len(PHOTO)
        self.answered: Callable[[], object] = bool
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        self._servers.append(await asyncio.start_server(self._talk, "0.0.0.0", 0))
        self.port = self._servers[0].sockets[0].getsockname()[1]
        with suppress(OSError):  # a machine without IPv6
            self._servers.append(await asyncio.start_server(self._talk, "::", self.port))

    def close(self) -> None:
        for server in self._servers:
            server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answer(request.split()[1]))
            await writer.drain()
        self.answered()
        writer.close()

    def _answer(self, path: bytes) -> bytes:
        if path.startswith(b"/redirect/"):
            head = b"%s Moved\r\nContent-Length: 0\r\nLocation: %s" % (
                path[10:],
                self.location.encode(),
            )
            return b"HTTP/1.1 " + head + b"\r\nConnection: close\r\n\r\n"
        head = b'200 OK\r\nETag: "1"\r\nContent-Length: %d\r\nConnection: close' % len(PHOTO)
        return b"HTTP/1.1 " + head + b"\r\n\r\n" + PHOTO[: self.cut]


class Fetcher:
    """The fetcher of the download service.

    Attributes:
        forget: makes it ask for every name anew.
    """

    def __init__(self, session: ClientSession, settings: DownloadSettings, folder: Path) -> None:
        self._source = WebSource(session, settings)
        self._directory = folder
        assert isinstance(session.connector, TCPConnector)
        self.forget = session.connector.clear_dns_cache

    async def __call__(self, url: str) -> None:
        target = self._directory / "original"
        target.unlink(missing_ok=True)
        await self._source.fetch(url, target, FolderWork(self._directory))


async def fetcher(directory: Path, allowed: str) -> AsyncIterator[Fetcher]:
    chosen = {"allowed_networks": allowed, "allowed_ports": "1-65535"}
    settings = DownloadSettings.model_validate(chosen)
    async with open_session(settings) as session:
        yield Fetcher(session, settings, directory)


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    web = Web()
    await web.start()
    _dials.clear()
    _asked.clear()
    yield web
    web.close()


@pytest.fixture
async def fetch(tmp_path: Path) -> AsyncIterator[Fetcher]:
    """With no exception for any network."""
    async for fetch in fetcher(tmp_path, ""):
        yield fetch


@pytest.fixture
async def fetch_here(tmp_path: Path) -> AsyncIterator[Fetcher]:
    """With `HERE` for the one public address of the world."""
    async for fetch in fetcher(tmp_path, f"{HERE}/32"):
        yield fetch


class Names:
    """The machine's resolver, for names of a test's own; it answers each time anew."""

    def __init__(self) -> None:
        self._answers: dict[str, list[list[str]]] = {}

    def say(self, name: str, *answers: list[str]) -> None:
        """What `name` leads to the first time, the second, and so on; the last one stays."""
        self._answers[name] = list(answers)

    def resolve(self, host: Any, port: Any, *_: Any, **__: Any) -> Any:
        _asked.append(host)
        if host not in self._answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self._answers[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [_info(address, port) for address in found]


def _info(text: str, port: int) -> Any:
    parsed = ip_address(text)
    if isinstance(parsed, IPv6Address):
        plain, _, scope = text.partition("%")
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (plain, port, 0, int(scope or 0)))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    names.say("localhost", ["127.0.0.1", "::1"])
    for spelling in ("LOCALHOST", "LocalHost", "localhost."):
        names.say(spelling, ["127.0.0.1", "::1"])
    monkeypatch.setattr(socket, "getaddrinfo", names.resolve)
    return names


# The table


def test_the_table_means_something() -> None:
    assert len(set(ENTRIES)) > 300
    assert sum(_is_for_the_system(entry) for _, entry in ENTRIES) > 120
    assert sum(_literal(entry) is not None for _, entry in ENTRIES) > 100


def _is_for_the_system(entry: str) -> bool:
    """Whether a program that asks the C library would dial it."""
    with suppress(OSError):
        return bool(socket.inet_aton(entry.removesuffix(".")))
    return _literal(entry) is not None


def _literal(entry: str) -> str | None:
    """The plain IP address that an entry is, if it is one."""
    text = entry.removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        ip_address(text)
        return re.sub(r"%.*", "%1", text)  # the first network interface: the loopback's
    return None


@pytest.mark.parametrize(("kind", "entry"), ENTRIES)
async def test_nothing_is_dialled(
    web: Web, fetch: Fetcher, names: Names, kind: str, entry: str
) -> None:
    with pytest.raises(SourceForbidden, match=r"^source: [^\n]+$"):
        await fetch(address(entry, web.port))
    assert (web.connections, _dials) == (0, [])


# The control: it shows that the server above is there, where 127.1.2.3 leads to it as well.
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.0/8 is not one machine")
@pytest.mark.parametrize(
    "entry",
    [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "localhost",
        "LocalHost",
        "localhost.",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "１２７.０.０.１",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "ｌｏｃａｌｈｏｓｔ",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "http://127.0.0.1:PORT?@example.com/photo",
        "http://127.0.0.1:PORT#@example.com/photo",
    ],
)
async def test_the_server_would_have_answered(
    web: Web, names: Names, tmp_path: Path, entry: str
) -> None:
    async for fetch in fetcher(tmp_path, "0.0.0.0/8,127.0.0.0/8"):
        await fetch(address(entry, web.port))
    assert (web.connections, len(_dials)) == (1, 1)


# Names


@pytest.mark.parametrize("kind", SPELLINGS)
async def test_a_name_for_it_is_not_dialled(
    web: Web, fetch: Fetcher, names: Names, kind: str
) -> None:
    literals = [text for entry in SPELLINGS[kind].split() if (text := _literal(entry))]
    for number, text in enumerate(literals):
        name = f"photos-{number}.example"
        names.say(name, [text])
        with pytest.raises(SourceForbidden, match=rf"{name} has no public address") as caught:
            await fetch(f"http://{name}:{web.port}/photo")
        assert text not in str(caught.value)
    assert (web.connections, _dials) == (0, [])


async def test_of_a_name_with_many_none_is_dialled(web: Web, fetch: Fetcher, names: Names) -> None:
    names.say("many.example", [text for _, entry in ENTRIES if (text := _literal(entry))])
    with pytest.raises(SourceForbidden):
        await fetch(f"http://many.example:{web.port}/photo")
    assert (web.connections, _dials) == (0, [])


# Redirects

# The first hop has to be an allowed address that is not one of those refused: 127.0.0.77, which
# macOS does not answer on unless an administrator adds it.
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on 127.0.0.77")


@linux
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", [kind for kind in SPELLINGS if kind != RELATIVE])
async def test_no_redirect_leads_there(
    web: Web, fetch_here: Fetcher, names: Names, kind: str, status: int
) -> None:
    entries = SPELLINGS[kind].split()
    for entry in entries[STATUSES.index(status) :: len(STATUSES)] or entries[:1]:
        web.location = address(entry, web.port)
        with pytest.raises(SourceForbidden, match=r"^source: "):
            await fetch_here(f"http://{HERE}:{web.port}/redirect/{status}")
    assert web.connections == len(_dials)
    assert set(_dials) == {HERE}


@linux
@pytest.mark.parametrize("status", STATUSES)
async def test_nor_one_to_a_name_of_it(
    web: Web, fetch_here: Fetcher, names: Names, status: int
) -> None:
    names.say("inside.example", ["127.0.0.1"])
    web.location = f"http://inside.example:{web.port}/photo"
    with pytest.raises(SourceForbidden, match=r"inside\.example has no public address"):
        await fetch_here(f"http://{HERE}:{web.port}/redirect/{status}")
    assert (web.connections, _dials) == (1, [HERE])


@linux
async def test_the_redirect_itself_is_followed_where_it_may_lead(
    web: Web, fetch_here: Fetcher
) -> None:
    web.location = f"http://{HERE}:{web.port}/photo"
    await fetch_here(f"http://{HERE}:{web.port}/redirect/302")
    assert _dials == [HERE, HERE]


# Names that lead elsewhere the next time


@linux
@pytest.mark.parametrize("inside", ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"])
@pytest.mark.parametrize("between", ["requests", "hops", "resumptions"])
async def test_a_name_that_changes_gets_nothing(
    web: Web, fetch_here: Fetcher, names: Names, inside: str, between: str
) -> None:
    names.say("rebind.example", [HERE], [inside])
    url = f"http://rebind.example:{web.port}"
    web.answered = fetch_here.forget
    web.location = f"{url}/photo"
    web.cut = 1000 if between == "resumptions" else web.cut
    if between == "requests":
        await fetch_here(f"{url}/photo")
    with pytest.raises(SourceForbidden, match=r"rebind\.example has no public address"):
        await fetch_here(f"{url}/redirect/302" if between == "hops" else f"{url}/photo")
    assert (web.connections, _dials) == (1, [HERE])
    assert _asked == ["rebind.example"] * 2


@linux
async def test_what_is_checked_is_what_is_dialled(
    web: Web, fetch_here: Fetcher, names: Names
) -> None:
    """There is no second look-up between the check and the dial that could say another thing."""
    names.say("flip.example", [HERE], ["127.0.0.1"], [HERE], ["::1"])
    await fetch_here(f"http://flip.example:{web.port}/photo")
    assert (_asked, _dials) == (["flip.example"], [HERE])


# Proxies


@linux
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_of_the_environment_is_no_way_there(
    web: Web, fetch_here: Fetcher, names: Names, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.say("proxied.example", ["10.0.0.1"])
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
        for variable in (name, name.upper()):
            monkeypatch.setenv(variable, f"http://{HERE}:{web.port}")
    with pytest.raises(SourceForbidden):
        await fetch_here(f"{scheme}://proxied.example:{web.port}/photo")
    assert (web.connections, _dials) == (0, [])
