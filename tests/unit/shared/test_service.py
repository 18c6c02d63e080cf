"""Where the health server listens, and what is said where it cannot."""

import socket

import pytest
from aiohttp import web

from shared import service


@pytest.fixture(autouse=True)
def _no_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "application", lambda _: web.Application())


@pytest.mark.parametrize("host", ["203.0.113.7", "a..b"])
async def test_a_host_that_is_none_of_ours_is_not_called_a_port(host: str) -> None:
    with pytest.raises(service.AddressUnusable, match=rf"^HEALTH_HOST: {host}:8044 "):
        await _listen(host, 8044)


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(service.AddressUnusable, match=rf"^HEALTH_PORT: 127.0.0.1:{port} "):
            await _listen("127.0.0.1", port)


async def _listen(host: str, port: int) -> None:
    async with service.answering(None, host, port):  # type: ignore[arg-type]
        pytest.fail("it listens")
