"""Servers that refuse."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.errors import (
    MillraceError,
    SourceForbidden,
    SourceMissing,
    SourceUnavailable,
)
from tests.integration.fetch.site import (
    Fetcher,
    Site,
    answering,
)


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
