"""A photo that is fetched, from a real server."""

import gzip
import hashlib

import pytest
from aiohttp import web

from shared.errors import (
    UnsupportedMedia,
)
from tests.integration.fetch.site import PHOTO, Fetcher, Site, answering


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
