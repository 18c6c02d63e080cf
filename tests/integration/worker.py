"""A process stage in a process of its own, for tests that kill it: `worker.py URL PREFIX ROOT HOW`."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from shared.broker.rabbitmq import RabbitMQ
from shared.broker.topology import Lane
from shared.consumer import Consumer
from shared.observe.logs import configure_logs
from shared.observe.metrics import Metrics
from shared.settings import DeliverySettings
from shared.workspace import Workspace
from tests.flow import DELAYS, Copying


async def die(job: Any, work: Any) -> Any:
    """End the whole process, in the middle of the work."""
    (work.directory / "half").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, prefix: str, root: str, how: str) -> None:
    workspace = Workspace(Path(root))
    workspace.open()
    broker = RabbitMQ(url, "worker")
    consumer = Consumer(
        "process",
        die if how == "die" else Copying(),
        workspace,
        broker,
        Lane(prefix, DELAYS),
        DeliverySettings(),
        concurrency=1,
        metrics=Metrics(),
    )
    await consumer.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    configure_logs()
    asyncio.run(main(*sys.argv[1:5]))
