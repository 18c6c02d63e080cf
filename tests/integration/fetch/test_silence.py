"""Servers that say nothing for too long."""

import asyncio

import pytest
from aiohttp import web

from shared.errors import (
    SourceUnavailable,
)
from tests.integration.fetch.site import (
    PHOTO,
    Fetcher,
    Site,
    fetch_with,
)
from tests.unit.services.download.work import FolderWork


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
