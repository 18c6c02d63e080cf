"""Which addresses are dialled, whatever name leads there."""

import asyncio
import socket
from typing import Any

import pytest

from shared.errors import (
    SourceForbidden,
)
from tests.integration.fetch.site import (
    PHOTO,
    Fetcher,
    Site,
    answering,
    fetch_with,
)
from tests.unit.services.download.work import FolderWork


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
