"""One service in a process of its own, which dies at the point that it is told.

`python -m tests.crash.worker ORDER` is one of them. Without an order it is a nursery: it has
imported everything, reads orders from standard input, and forks a worker for each, so that a
thousand deaths do not need a thousand starts of Python.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from millrace.settings import read
from millrace.wiring import OPENED, run, standing_on, wired
from shared.broker.topology import Lane
from shared.jobs import Stage
from shared.observe.logs import configure_logs
from shared.service import until_told_to_stop
from tests.crash.broker import MortalBroker, watch_children, watch_wire
from tests.crash.disk import Disk
from tests.crash.points import Points

DELAYS = {"short": 0.1, "middle": 0.2, "long": 0.4}
_PR_SET_PDEATHSIG = 1
_IMPORTED = ("services.cleanup.sweep", "shared.storage.filesystem", "uvloop")


@dataclass(frozen=True)
class Order:
    """What to start, and when it dies.

    Attributes:
        prefix: of the queues, in which everything exists already.
        log: where the points that it passes are written down.
        last: the number of the point to die at; 0 for none.
        looks: whether operations that only read have points too.
        settings: by field, of all kinds.
    """

    stage: Stage
    url: str
    prefix: str
    work: str
    uploads: str
    log: str
    last: int = 0
    looks: bool = False
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @property
    def given(self) -> dict[str, Any]:
        """All settings."""
        return settings_of(Path(self.work), Path(self.uploads)) | self.settings


def settings_of(work: Path, uploads: Path) -> dict[str, Any]:
    """What every service of these tests is told."""
    return {
        "temp_dir": work,
        "storage_mode": "local",
        "upload_path": uploads,
        "source_roots": ("/",),
        "disk_floor_bytes": 0,
        "process_workers": 1,
        "process_concurrency": 1,
        "process_niceness": 0,
    }


async def serve(order: Order) -> None:
    """Take deliveries until SIGTERM, or the point."""
    points = Points(Path(order.log), order.last)
    roots = [Path(order.work), Path(order.uploads)]
    Disk(points, roots, looks=order.looks).install()
    watch_wire(points)
    watch_children(points)
    broker = MortalBroker(order.url, points)
    reader = partial(read, **order.given)
    async with (
        standing_on(broker, Lane(order.prefix, DELAYS), reader) as on,
        wired(order.stage, on) as one,
    ):
        await one.consumer.start()
        await until_told_to_stop()
        await one.consumer.stop()


def nursery() -> None:
    """Fork a worker for each line of standard input, and answer with its process id."""
    _import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _grow_up(line)
        print(pid, flush=True)
    os.killpg(0, signal.SIGKILL)


def _grow_up(line: str) -> None:
    """Be a worker, and nothing else any more."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # standard output is the nursery's own
    try:
        run(serve(Order.decode(line)))
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def _import_all() -> None:
    """What a service imports at its start."""
    for name in (*(f"services.{stage}.stage" for stage in OPENED), *_IMPORTED):
        importlib.import_module(name)


if __name__ == "__main__":
    configure_logs("warning", "console")
    if len(sys.argv) > 1:
        run(serve(Order.decode(sys.argv[1])))
    else:
        nursery()
