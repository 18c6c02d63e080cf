"""The download stage against a web server on loopback that behaves as servers do, badly too."""

import asyncio
import gzip
import hashlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.download.settings import DownloadSettings
from services.download.stage import Download, opened
from shared.errors import (
    MillraceError,
    SourceForbidden,
    SourceMissing,
    SourceTooLarge,
    SourceUnavailable,
    UnsupportedMedia,
    WorkspaceFull,
)
from shared.jobs import DownloadJob, Original
from shared.storage.base import Storage
from tests.conftest import ROOT
from tests.unit.services.download.work import FolderWork

PHOTO = (ROOT / "examples" / "mountains.jpg").read_bytes()
ETAG = '"v1"'
LOOPBACK = {"allowed_networks": "127.0.0.0/8", "allowed_ports": "1-65535"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """A web server whose every path is what a test says, and which keeps what it was asked."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self.requests: list[web.Request] = []
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self.server = TestServer(application, host="127.0.0.1")

    def at(self, path: str, handler: Handler) -> str:
        """Let `handler` answer for `path`; returns its address."""
        self._handlers[path] = handler
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.port}{path}"

    def headers(self, name: str) -> list[str | None]:
        """The header `name` of each request so far."""
        return [request.headers.get(name) for request in self.requests]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        handler = self._handlers.get(request.path)
        return await handler(request) if handler else web.Response(status=404)


def answering(**arguments: Any) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(**arguments)

    return handler


def redirecting(location: str, status: int = 302) -> Handler:
    return answering(status=status, headers={"Location": location})


def start_of(request: web.Request) -> int:
    """Where the part that is asked for begins; 0 for the whole."""
    return int(request.headers.get("Range", "bytes=0-")[6:-1])


def breaking(
    content: bytes, cuts: list[int], *, headers: dict[str, str] | None = None, ranges: bool = True
) -> Handler:
    """Serve `content`, but break each of the first connections after so many bytes."""
    left = list(cuts)

    async def handler(request: web.Request) -> web.StreamResponse:
        start = start_of(request) if ranges else 0
        response = web.StreamResponse(status=206 if start else 200, headers=headers or {})
        if start:
            total = len(content)
            response.headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        response.content_length = len(content) - start
        await response.prepare(request)
        if not left:
            await response.write(content[start:])
            return response
        await response.write(content[start : start + left.pop(0)])
        # What was written shall arrive, and then the connection shall be gone.
        await asyncio.sleep(0.1)
        assert request.transport
        request.transport.close()
        return response

    return handler


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.server.start_server()
    yield site
    await site.server.close()


@pytest.fixture
def work(tmp_path: Path) -> FolderWork:
    directory = tmp_path / "job.1" / "download.0"
    directory.mkdir(parents=True)
    return FolderWork(directory)


class Fetcher:
    """The stage under settings of a test's own, and the job's directory."""

    def __init__(self, download: Download, work: FolderWork) -> None:
        self._download = download
        self.work = work

    async def __call__(self, source: str) -> Original:
        job = DownloadJob(job_id="job", source=source)
        return (await self._download(job, self.work)).original

    @property
    def content(self) -> bytes:
        return (self.work.directory / "original").read_bytes()


def no_bucket(name: str) -> Storage:
    raise AssertionError(name)


@pytest.fixture
async def fetch(work: FolderWork) -> AsyncIterator[Fetcher]:
    settings = DownloadSettings.model_validate({**LOOPBACK, "download_stall_seconds": 0.5})
    async with opened(settings, no_bucket) as download:
        yield Fetcher(download, work)


async def fetch_with(work: FolderWork, source: str, **settings: object) -> Original:
    chosen = DownloadSettings.model_validate({**LOOPBACK, **settings})
    async with opened(chosen, no_bucket) as download:
        return await Fetcher(download, work)(source)


async def test_a_photo_is_fetched_whole(site: Site, fetch: Fetcher) -> None:
    original = await fetch(site.at("/photo", answering(body=PHOTO, content_type="text/plain")))
    assert fetch.content == PHOTO
    assert original.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert (original.size, original.media_type) == (len(PHOTO), "image/jpeg")
    assert fetch.work.spent.downloaded_bytes == len(PHOTO)
    assert fetch.work.reserved == [len(PHOTO)]
    assert fetch.work.percents[-1] == 100.0


async def test_the_request_says_who_asks_and_wants_the_bytes_as_they_are(
    site: Site, fetch: Fetcher
) -> None:
    await fetch(site.at("/p", answering(body=PHOTO)) + "?sig=a%2Fb+c%3D")
    (request,) = site.requests
    assert request.headers["User-Agent"].startswith("Millrace/")
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.raw_path == "/p?sig=a%2Fb+c%3D"
    assert not {"Cookie", "Authorization", "Referer", "Range"} & set(request.headers)


async def test_a_body_without_a_length_is_fetched(site: Site, fetch: Fetcher) -> None:
    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for start in range(0, len(PHOTO), 100_000):
            await response.write(PHOTO[start : start + 100_000])
        return response

    original = await fetch(site.at("/photo", chunked))
    assert original.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert fetch.work.reserved[0] > len(PHOTO)


async def test_proxies_of_the_environment_are_not_used(
    site: Site, fetch: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    await fetch(site.at("/photo", answering(body=PHOTO)))


async def test_a_packed_body_is_left_as_it_is(site: Site, fetch: Fetcher) -> None:
    packed = gzip.compress(PHOTO)
    url = site.at("/p.jpg", answering(body=packed, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(UnsupportedMedia, match=r"p\.jpg is compressed with gzip"):
        await fetch(url)
    assert fetch.content == packed


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(site: Site, fetch: Fetcher, status: int) -> None:
    site.at("/c", answering(body=PHOTO))
    site.at("/b", redirecting(site.url("/c"), status))
    await fetch(site.at("/a", redirecting("b", status)))
    assert fetch.content == PHOTO
    assert [request.path for request in site.requests] == ["/a", "/b", "/c"]


async def test_cookies_do_not_travel(site: Site, fetch: Fetcher) -> None:
    site.at("/b", answering(body=PHOTO))
    headers = {"Location": "/b", "Set-Cookie": "session=1"}
    await fetch(site.at("/a", answering(status=302, headers=headers)))
    assert site.headers("Cookie") == [None, None]


async def test_there_is_a_limit_to_redirects(site: Site, work: FolderWork) -> None:
    for step in range(4):
        site.at(f"/{step}", redirecting(f"/{step + 1}"))
    site.at("/4", answering(body=PHOTO))
    await fetch_with(work, site.url("/1"), download_max_redirects=3)
    (work.directory / "original").unlink()
    with pytest.raises(SourceForbidden, match="redirects more than 3 times"):
        await fetch_with(work, site.url("/0"), download_max_redirects=3)


async def test_a_redirect_without_a_target_is_no_content(site: Site, fetch: Fetcher) -> None:
    with pytest.raises(SourceUnavailable, match="302"):
        await fetch(site.at("/a", answering(status=302)))


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/x",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.100.100.200/",
        "http://0.0.0.0:{port}/secret",
        "http://[::1]:{port}/secret",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://2130706433:{port}/secret",
        "http://0x7f.1:{port}/secret",
        "http://user@127.0.0.1:{port}/secret",
        "//10.0.0.1/x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "s3://bucket/key",
    ],
)
@pytest.mark.parametrize("status", [302, 308])
async def test_a_redirect_to_where_nobody_may_go_is_refused(
    site: Site, fetch: Fetcher, location: str, status: int
) -> None:
    site.at("/secret", answering(body=PHOTO))
    target = location.format(port=site.server.port)
    with pytest.raises(SourceForbidden, match=r"^source: "):
        await fetch(site.at("/a", redirecting(target, status)))
    assert [request.path for request in site.requests] == ["/a"]


# Addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_without_an_exception_nothing_on_loopback_is_dialled(
    site: Site, work: FolderWork, host: str
) -> None:
    site.at("/photo", answering(body=PHOTO))
    with pytest.raises(SourceForbidden, match=r"no public address.*ALLOWED_NETWORKS"):
        await fetch_with(
            work, f"http://{host}:{site.server.port}/photo", allowed_networks="10.0.0.0/8"
        )
    assert site.requests == []


async def test_ports_have_to_be_open_too(site: Site, work: FolderWork) -> None:
    url = site.at("/photo", answering(body=PHOTO))
    with pytest.raises(SourceForbidden, match="ALLOWED_PORTS"):
        await fetch_with(work, url, allowed_ports="80,443")
    assert site.requests == []


class Names:
    """What the machine's resolver says, for names of a test's own; each answer once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = socket.getaddrinfo
        self._answers: dict[str, list[list[str]]] = {}
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def say(self, name: str, *answers: list[str]) -> None:
        self._answers[name] = list(answers)

    def _resolve(self, host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host not in self._answers:
            return self._real(host, port, *arguments, **options)
        answers = self._answers[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [self._one(address, port) for address in addresses]

    @staticmethod
    def _one(address: str, port: int) -> Any:
        if ":" in address:
            return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
        return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["169.254.169.254"], ["::1"], ["10.0.0.1", "fd00::1"], ["0.0.0.0"]]
)
async def test_a_name_is_judged_by_where_it_leads(
    fetch: Fetcher, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    Names(monkeypatch).say("photos.example", addresses)
    with pytest.raises(SourceForbidden, match=r"photos\.example has no public address") as caught:
        await fetch("http://photos.example/x.jpg")
    assert not any(address in str(caught.value) for address in addresses)


async def test_a_name_that_leads_elsewhere_the_second_time_gets_nothing(
    site: Site, fetch: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(monkeypatch)
    names.say("rebind.example", ["127.0.0.1"], ["10.0.0.1"])
    site.at("/photo", answering(body=PHOTO, headers={"Connection": "close"}))
    url = f"http://rebind.example:{site.server.port}/photo"
    await fetch(url)
    (fetch.work.directory / "original").unlink()
    await asyncio.sleep(0)
    with pytest.raises(SourceForbidden):
        await fetch_with(fetch.work, url)
    assert len(site.requests) == 1


async def test_of_several_addresses_the_permitted_one_is_taken(
    site: Site, fetch: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch).say("mixed.example", ["::1", "10.0.0.1", "127.0.0.1"])
    site.at("/photo", answering(body=PHOTO))
    await fetch(f"http://mixed.example:{site.server.port}/photo")
    assert fetch.content == PHOTO


# Limits


async def test_too_much_is_refused_by_the_header_alone(site: Site, work: FolderWork) -> None:
    sent = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1 << 50
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.sleep(1)
        sent.set()
        return response

    with pytest.raises(SourceTooLarge, match="1000 bytes allowed"):
        await fetch_with(work, site.at("/large", endless), max_download_bytes=1000)
    assert not sent.is_set()
    assert work.spent.downloaded_bytes == 0


async def test_too_much_is_refused_when_it_comes(site: Site, work: FolderWork) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        while True:
            await response.write(bytes(65536))

    with pytest.raises(SourceTooLarge):
        await fetch_with(work, site.at("/endless", endless), max_download_bytes=3_000_000)
    assert (work.directory / "original").stat().st_size <= 3_000_000


async def test_a_download_without_room_does_not_begin(site: Site, fetch: Fetcher) -> None:
    fetch.work.room_bytes = 1000
    with pytest.raises(WorkspaceFull):
        await fetch(site.at("/photo", answering(body=PHOTO)))
    assert fetch.content == b""


# Broken connections


async def test_a_broken_download_is_gone_on_with(site: Site, fetch: Fetcher) -> None:
    cuts = [500_000, 700_000]
    original = await fetch(site.at("/photo", breaking(PHOTO, cuts, headers={"ETag": ETAG})))
    assert fetch.content == PHOTO
    assert original.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert site.headers("Range") == [None, "bytes=500000-", "bytes=1200000-"]
    assert site.headers("If-Range") == [None, ETAG, ETAG]
    assert fetch.work.spent.downloaded_bytes == len(PHOTO)


async def test_a_date_serves_where_there_is_no_tag(site: Site, fetch: Fetcher) -> None:
    date = "Tue, 01 Jul 2025 12:00:00 GMT"
    await fetch(site.at("/p", breaking(PHOTO, [1000], headers={"Last-Modified": date})))
    assert site.headers("If-Range") == [None, date]
    assert fetch.content == PHOTO


@pytest.mark.parametrize(
    "headers", [{}, {"ETag": 'W/"v1"'}, {"ETag": ETAG, "Accept-Ranges": "none"}]
)
async def test_without_a_way_to_go_on_it_begins_anew(
    site: Site, fetch: Fetcher, headers: dict[str, str]
) -> None:
    original = await fetch(site.at("/photo", breaking(PHOTO, [500_000], headers=headers)))
    assert site.headers("Range") == [None, None]
    assert fetch.content == PHOTO
    assert original.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert fetch.work.spent.downloaded_bytes == len(PHOTO) + 500_000


async def test_a_server_that_ignores_ranges_sends_it_anew(site: Site, fetch: Fetcher) -> None:
    handler = breaking(PHOTO, [500_000], headers={"ETag": ETAG}, ranges=False)
    original = await fetch(site.at("/photo", handler))
    assert site.headers("Range") == [None, "bytes=500000-"]
    assert original.sha256 == hashlib.sha256(PHOTO).hexdigest()


async def test_a_source_that_changed_meanwhile_is_not_mixed(site: Site, fetch: Fetcher) -> None:
    newer = PHOTO[:3] + os.urandom(len(PHOTO) - 3)
    first = breaking(PHOTO, [500_000], headers={"ETag": ETAG})

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-Range") == ETAG:
            return web.Response(body=newer, headers={"ETag": '"v2"'})
        return await first(request)

    original = await fetch(site.at("/photo", handler))
    assert fetch.content == newer
    assert original.sha256 == hashlib.sha256(newer).hexdigest()


@pytest.mark.parametrize(
    "content_range", ["bytes 0-{last}/{size}", "bytes 500001-{last}/{size}", "", "bytes 1-2/3"]
)
async def test_another_part_than_was_asked_for_is_not_appended(
    site: Site, fetch: Fetcher, content_range: str
) -> None:
    whole = breaking(PHOTO, [500_000], headers={"ETag": ETAG})
    said = content_range.format(last=len(PHOTO) - 1, size=len(PHOTO))

    async def handler(request: web.Request) -> web.StreamResponse:
        if "Range" in request.headers:
            return web.Response(status=206, body=PHOTO[7:], headers={"Content-Range": said})
        return await whole(request)

    original = await fetch(site.at("/photo", handler))
    assert original.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert site.headers("Range") == [None, "bytes=500000-", None]


async def test_a_range_that_is_refused_is_not_insisted_on(site: Site, fetch: Fetcher) -> None:
    whole = breaking(PHOTO, [500_000], headers={"ETag": ETAG})

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=416) if "Range" in request.headers else await whole(request)

    await fetch(site.at("/photo", handler))
    assert fetch.content == PHOTO
    assert site.headers("Range") == [None, "bytes=500000-", None]


async def test_a_server_that_restarts_is_asked_again(site: Site, fetch: Fetcher) -> None:
    steady = breaking(PHOTO, [500_000], headers={"ETag": ETAG})

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=502) if len(site.requests) == 2 else await steady(request)

    await fetch(site.at("/photo", handler))
    assert fetch.content == PHOTO
    assert site.headers("Range") == [None, "bytes=500000-", "bytes=500000-"]


async def test_a_part_of_the_rest_is_followed_by_the_rest(site: Site, fetch: Fetcher) -> None:
    first = breaking(PHOTO, [500_000], headers={"ETag": ETAG})

    async def handler(request: web.Request) -> web.StreamResponse:
        start = start_of(request)
        if not start:
            return await first(request)
        part = PHOTO[start : start + 600_000]
        said = f"bytes {start}-{start + len(part) - 1}/{len(PHOTO)}"
        return web.Response(status=206, body=part, headers={"Content-Range": said})

    await fetch(site.at("/photo", handler))
    assert fetch.content == PHOTO


async def test_what_is_always_short_is_no_success(site: Site, work: FolderWork) -> None:
    url = site.at("/photo", breaking(PHOTO, [400_000] * 10))
    with pytest.raises(SourceUnavailable, match=r"less than it announced|broke"):
        await fetch_with(work, url, download_max_resumes=2)
    assert len(site.requests) == 3


async def test_a_chunked_body_that_breaks_off_is_no_success(site: Site, work: FolderWork) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(PHOTO[:100_000])
        await asyncio.sleep(0.1)
        assert request.transport
        request.transport.close()
        return response

    with pytest.raises(SourceUnavailable):
        await fetch_with(work, site.at("/photo", handler), download_max_resumes=0)


async def test_the_first_connection_is_not_insisted_on(site: Site, work: FolderWork) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    with pytest.raises(SourceUnavailable, match="503 Service Unavailable"):
        await fetch_with(work, site.at("/photo", handler))
    assert len(site.requests) == 1


# Silence


async def test_a_server_that_falls_silent_is_given_up(site: Site, work: FolderWork) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(PHOTO[:500])
        await asyncio.sleep(30)
        return response

    async with asyncio.timeout(5):
        with pytest.raises(SourceUnavailable, match="silent"):
            await fetch_with(
                work,
                site.at("/photo", handler),
                download_stall_seconds=0.3,
                download_max_resumes=1,
            )
    assert len(site.requests) == 2


async def test_a_server_that_never_answers_is_given_up(site: Site, work: FolderWork) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    with pytest.raises(SourceUnavailable, match="silent"):
        await fetch_with(work, site.at("/photo", handler), download_stall_seconds=0.3)


async def test_dripping_does_not_hold_the_worker(site: Site, work: FolderWork) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(300):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response

    async with asyncio.timeout(5):
        with pytest.raises(SourceUnavailable, match="not complete after 1 seconds"):
            await fetch_with(work, site.at("/photo", handler), download_timeout_seconds=1)


async def test_a_cancelled_download_ends_at_once(site: Site, fetch: Fetcher) -> None:
    begun = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PHOTO[:1000])
        begun.set()
        await asyncio.sleep(30)
        return response

    running = asyncio.create_task(fetch(site.at("/photo", handler)))
    await begun.wait()
    running.cancel()
    async with asyncio.timeout(2):
        with pytest.raises(asyncio.CancelledError):
            await running


# Refusals


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, SourceForbidden, "401 Unauthorized"),
        (403, SourceForbidden, "403 Forbidden"),
        (404, SourceMissing, "404 Not Found"),
        (410, SourceMissing, "410 Gone"),
        (204, SourceMissing, "204 No Content"),
        (418, SourceForbidden, "418"),
        (429, SourceUnavailable, "429 Too Many Requests"),
        (500, SourceUnavailable, "500 Internal Server Error"),
        (503, SourceUnavailable, "503"),
    ],
)
async def test_a_status_is_told_in_one_sentence(
    site: Site, fetch: Fetcher, status: int, error: type[MillraceError], words: str
) -> None:
    with pytest.raises(error, match=rf"^source: 127\.0\.0\.1 answered {words}"):
        await fetch(site.at("/photo", answering(status=status)))
    assert len(site.requests) == 1


async def test_nobody_there_is_tried_again(fetch: Fetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceUnavailable, match=r"no connection to 127\.0\.0\.1"):
        await fetch(f"http://127.0.0.1:{port}/photo")


async def test_a_name_that_does_not_resolve_is_tried_again(fetch: Fetcher) -> None:
    with pytest.raises(SourceUnavailable, match=r"nowhere\.invalid could not be resolved"):
        await fetch("http://nowhere.invalid/photo")


async def test_an_answer_that_is_no_http_is_tried_again(fetch: Fetcher) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailable, match=r"^source: "):
            await fetch(f"http://127.0.0.1:{port}/photo")


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    fetch: Fetcher, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(await self_signed(tmp_path))
    application = web.Application()
    server = TestServer(application, host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    try:
        with pytest.raises(SourceForbidden, match=r"the certificate of 127\.0\.0\.1 is not valid"):
            await fetch(f"https://127.0.0.1:{server.port}/photo")
    finally:
        await server.close()


async def self_signed(folder: Path) -> Path:
    """A file with a key and a certificate that no authority signed."""
    path = folder / "server.pem"
    openssl = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
        *("-subj", "/CN=127.0.0.1", "-keyout", str(path), "-out", f"{path}.crt"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await openssl.wait() == 0
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path
