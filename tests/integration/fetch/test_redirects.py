"""Where redirects may lead."""

import pytest

from shared.errors import (
    SourceForbidden,
    SourceUnavailable,
)
from tests.integration.fetch.site import PHOTO, Fetcher, Site, answering, fetch_with, redirecting
from tests.unit.services.download.work import FolderWork


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
