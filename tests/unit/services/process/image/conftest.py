"""Engines and a picture; the long forms of their tests; the processor in place of a GPU."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from services.process.image.engine import Engine, Limits
from services.process.image.gpu.engine import LINE
from services.process.image.gpu.host import Host
from services.process.image.gpu.kernels import MOST_BYTES
from services.process.image.pillow.engine import Pillow
from services.process.image.vips.engine import Vips
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
def marks(tmp_path: Path) -> Path:
    """A folder with one watermark: a blue square."""
    folder = tmp_path / "marks"
    folder.mkdir()
    Image.new("RGBA", (50, 50), (30, 40, 220, 255)).save(folder / "logo.png")
    return folder


@pytest.fixture(params=[Pillow, Vips])
def engine(request: pytest.FixtureRequest, marks: Path) -> Engine:
    """Each engine of the processor."""
    made: Engine = request.param(Limits(pixels=100_000_000, watermarks=marks))
    return made


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """Red, green and blue thirds, 300×100."""
    image = Image.new("RGB", (300, 100), (220, 30, 30))
    image.paste((30, 200, 40), (100, 0, 200, 100))
    image.paste((30, 40, 220), (200, 0, 300, 100))
    image.save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


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
