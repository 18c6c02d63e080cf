"""A gate before an S3 API: it lets so many files through and holds the others back."""

import http.client
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOPS = {"connection", "content-length", "expect", "transfer-encoding"}
_LOOK_SECONDS = 0.05


class Gate:
    """Hands requests on to the S3 API at `endpoint`.

    Attributes:
        url: the address before the gate.
        held: how many files are held back now.
    """

    def __init__(self, endpoint: str) -> None:
        self._target = urlsplit(endpoint).netloc
        self._changed = threading.Condition()
        self._left: float = float("inf")
        self.url = ""
        self.held = 0

    def close_after(self, files: int) -> None:
        with self._changed:
            self._left = files

    def open(self) -> None:
        with self._changed:
            self._left = float("inf")
            self._changed.notify_all()

    def pass_through(self, client: socket.socket) -> bool:
        """Wait until a file may go on; False where its sender went away meanwhile."""
        with self._changed:
            self.held += 1
            while self._left <= 0 and not _is_gone(client):
                self._changed.wait(_LOOK_SECONDS)
            self.held -= 1
            self._left -= 1
        return not _is_gone(client)

    def hand_on(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._target)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOPS}
        length = answer.headers["Content-Length"] if method == "HEAD" else str(len(content))
        connection.close()
        return answer.status, {**kept, "Content-Length": length or "0"}, content


@contextmanager
def gate(endpoint: str) -> Iterator[Gate]:
    """A gate that is open at first."""
    one = Gate(endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.command == "PUT" and not one.pass_through(self.connection):
                self.close_connection = True
                return
            sent = {n: v for n, v in self.headers.items() if n.lower() not in _HOPS}
            status, headers, content = one.hand_on(self.command, self.path, body, sent)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one  # noqa: N815

        def log_message(self, *_: object) -> None:
            """The test's own words are enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield one
    finally:
        one.open()
        server.shutdown()
        server.server_close()
        thread.join()


def _is_gone(client: socket.socket) -> bool:
    readable, _, _ = select.select([client], [], [], 0)
    return bool(readable) and client.recv(1, socket.MSG_PEEK) == b""
