"""A web server, in a process of its own, of films as large as one likes.

    python -m bench.memory_film PORT

`/N.mp4` is a film of N bytes: the example, and then a box that players skip. Nothing of it
is held in memory but one piece.
"""

import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from tests.servers.ports import answers, free_ports, wait_until
from tests.servers.processes import PrivateProcesses

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "bunny.mp4"
SMALLEST_BYTES = EXAMPLE.stat().st_size + struct.calcsize(">I4sQ")
_PIECE = os.urandom(1 << 18)


@contextmanager
def film_server() -> Iterator[int]:
    """The port on loopback that films can be fetched from until the block ends."""
    (port,) = free_ports(1)
    with PrivateProcesses("films") as processes:
        argv = [sys.executable, "-m", "bench.memory_film", str(port)]
        processes.spawn(argv, {"PYTHONPATH": str(ROOT)})
        if not wait_until(lambda: _is_up(port), 30):
            raise RuntimeError(f"the film server did not start:\n{processes.log.read_text()}")
        yield port


def _is_up(port: int) -> bool:
    return answers("127.0.0.1", port, b"HEAD /0.mp4 HTTP/1.0\r\n\r\n", b"HTTP/1.")


async def _film(request: web.Request) -> web.StreamResponse:
    size = int(request.match_info["size"])
    response = web.StreamResponse()
    response.content_length = max(size, SMALLEST_BYTES)
    await response.prepare(request)
    for piece in _pieces(size):
        await response.write(piece)
    return response


def _pieces(size: int) -> Iterator[bytes]:
    film = EXAMPLE.read_bytes()
    filler = max(size, SMALLEST_BYTES) - SMALLEST_BYTES
    yield film
    # A length of 1 says that the true one, of 64 bits, comes after the type.
    yield struct.pack(">I4sQ", 1, b"free", SMALLEST_BYTES - len(film) + filler)
    for start in range(0, filler, len(_PIECE)):
        yield _PIECE[: filler - start]


def _main(port: int) -> None:
    application = web.Application()
    application.router.add_get("/{size:[0-9]+}.mp4", _film)
    web.run_app(application, host="127.0.0.1", port=port, access_log=None)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
