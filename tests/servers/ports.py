"""Free ports, and waiting until somebody listens on one."""

import random
import socket
import time
from collections.abc import Callable

# Below the range that the system gives to outgoing connections, so that a port stays ours to
# listen on again while a server restarts.
_RANGE = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback interface that nobody listens on right now."""
    ports: list[int] = []
    for port in random.sample(_RANGE, len(_RANGE)):
        if _is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError(f"fewer than {count} free ports between {_RANGE[0]} and {_RANGE[-1]}")


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again; False when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(0.05)
    return False


def answers(host: str, port: int, send: bytes, expect: bytes) -> bool:
    """Whether a server there answers these bytes with those."""
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.sendall(send)
            return connection.recv(len(expect)) == expect
    except OSError:
        return False


def speaks_amqp(host: str, port: int) -> bool:
    """Whether a broker there opens the conversation with a method frame on channel 0."""
    return answers(host, port, b"AMQP\x00\x00\x09\x01", b"\x01\x00\x00")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Connections that just ended do not keep a server from listening either.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
