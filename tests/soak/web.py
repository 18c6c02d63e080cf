"""A web server that has everything that the shelf has, and serves it well or badly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.servers.ports import free_ports
from tests.soak.shelf import Shelf


@dataclass
class Web:
    """Addresses are `/<way>/<anything>/<file>`: `way` says how the file is served.

    Attributes:
        port: where it listens.
        dead_port: where nobody listens.
    """

    shelf: Shelf
    port: int
    dead_port: int
    _seen: set[str] = field(default_factory=set)

    def address(self, way: str, job: str, path: Path) -> str:
        """Where the file is served to one job."""
        port = self.dead_port if way == "nobody" else self.port
        return f"http://127.0.0.1:{port}/{way}/{job}/{path.name}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        first = request.path not in self._seen
        self._seen.add(request.path)
        way, name = request.match_info["way"], request.match_info["name"]
        path = self.shelf.folder / name
        match way:
            case "missing":
                raise web.HTTPNotFound
            case "later" if first:
                raise web.HTTPNotFound
            case "busy" if first:
                raise web.HTTPServiceUnavailable
            case "moved" if first:
                raise web.HTTPFound(request.path)
            case "huge":
                return await _announcing(request, 1 << 40)
            case "broken" if first:
                return await _broken_off(request, path)
            case "slow":
                return await _slowly(request, path)
        return web.FileResponse(path)


async def _announcing(request: web.Request, size: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(size)})
    await response.prepare(request)
    return response


async def _broken_off(request: web.Request, path: Path) -> web.StreamResponse:
    """Half of the file; then the connection is lost."""
    content = path.read_bytes()
    response = await _announcing(request, len(content))
    await response.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response


async def _slowly(request: web.Request, path: Path) -> web.StreamResponse:
    content = path.read_bytes()
    response = await _announcing(request, len(content))
    for begin in range(0, len(content), len(content) // 8 + 1):
        await response.write(content[begin : begin + len(content) // 8 + 1])
        await asyncio.sleep(0.2)
    return response


@asynccontextmanager
async def serving(shelf: Shelf) -> AsyncIterator[Web]:
    """The server, until the block ends."""
    port, dead_port = free_ports(2)
    site = Web(shelf, port, dead_port)
    application = web.Application()
    application.router.add_get("/{way}/{job}/{name}", site.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield site
    finally:
        await runner.cleanup()
