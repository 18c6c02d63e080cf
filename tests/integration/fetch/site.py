"""A server of the test's own, and the download stage's fetching from it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from services.download.settings import DownloadSettings
from services.download.stage import Download, opened
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


async def fetch_with(work: FolderWork, source: str, **settings: object) -> Original:
    chosen = DownloadSettings.model_validate({**LOOPBACK, **settings})
    async with opened(chosen, no_bucket) as download:
        return await Fetcher(download, work)(source)
