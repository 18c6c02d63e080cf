"""The long forms of the tests on pictures; the processor in place of a GPU."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.process.image.cuda import LINE
from services.process.image.gpu.host import Host
from services.process.image.gpu.kernels import MOST_BYTES
from tests.processor.device import Processor

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The slow ones here run only when slow tests are asked for: `-m slow`."""
    if "slow" in config.option.markexpr:
        return
    slow = [one for one in items if FOLDER in one.path.parents and "slow" in one.keywords]
    config.hook.pytest_deselected(items=slow)
    items[:] = [one for one in items if one not in slow]


@pytest.fixture
def host(processor: Processor) -> Host:
    """What the GPU's process runs, in this one, on the processor."""
    return Host(processor, None, MOST_BYTES)


@pytest.fixture
def lines(host: Host) -> Iterator[socket.socket]:
    """Sends lines to `host`."""
    ours, theirs = socket.socketpair()
    host.start(theirs)
    with ours:
        yield ours


@pytest.fixture
def line(lines: socket.socket) -> Iterator[socket.socket]:
    """One line to `host`; this process's engine `cuda` has it too."""
    with new_line(lines) as one:
        LINE.connect(one)
        yield one
    LINE.close()


def new_line(lines: socket.socket) -> socket.socket:
    """Our end of a new line to a host."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(lines, [b"\0"], [theirs.fileno()])
    return ours
