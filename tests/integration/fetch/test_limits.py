"""How much is fetched, and how a broken download goes on."""

import asyncio
import hashlib
import os

import pytest
from aiohttp import web

from shared.errors import (
    SourceTooLarge,
    SourceUnavailable,
    WorkspaceFull,
)
from tests.integration.fetch.site import (
    ETAG,
    PHOTO,
    Fetcher,
    Site,
    answering,
    breaking,
    fetch_with,
    start_of,
)
from tests.unit.services.download.work import FolderWork


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
