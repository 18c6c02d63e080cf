"""The four services as processes of their own, and all that they write in one folder."""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aio_pika

from millrace.wiring import STAGES
from shared.broker.topology import Lane
from shared.jobs import Stage
from tests.servers.ports import answers, free_ports, wait_until
from tests.servers.processes import PrivateProcesses

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0
_READY = b"GET /readyz HTTP/1.0\r\n\r\n"


@dataclass(frozen=True)
class Services:
    """Four services that take deliveries.

    Attributes:
        lane: queues of their own, gone afterwards.
        pids: the process of each stage.
        ports: the health server of each stage.
        work: the root of their temporary files.
        uploads: where results go with local storage.
    """

    lane: Lane
    pids: Mapping[Stage, int]
    ports: Mapping[Stage, int]
    work: Path
    uploads: Path

    @property
    def left(self) -> list[Path]:
        """The temporary files and directories of jobs that are there now."""
        lane = self.work / self.lane.prefix
        return [path for folder in ("jobs", "trash") for path in (lane / folder).rglob("*")]


@contextmanager
def services(amqp_url: str, settings: Mapping[str, str]) -> Iterator[Services]:
    """Start them with these environment variables, until the block ends.

    Raises:
        RuntimeError: one of them did not get ready.
    """
    lane = Lane(f"test-{uuid4().hex}")
    with PrivateProcesses("services") as processes:
        work, uploads = processes.folder / "work", processes.folder / "uploads"
        environment = {
            "AMQP_URL": amqp_url,
            "QUEUE_PREFIX": lane.prefix,
            "TEMP_DIR": str(work),
            "UPLOAD_PATH": str(uploads),
            "HEALTH_HOST": "127.0.0.1",
            "PYTHONPATH": str(_ROOT),
            **settings,
        }
        try:
            ports = dict(zip(STAGES, free_ports(len(STAGES)), strict=True))
            pids = _start(processes, environment, ports)
            yield Services(lane, pids, ports, work, uploads)
        finally:
            processes.close()
            asyncio.run(_delete_queues(amqp_url, lane))


def ready(ports: Iterable[int]) -> bool:
    """Whether all the services behind these ports are."""
    return all(answers("127.0.0.1", port, _READY, b"HTTP/1.0 200") for port in ports)


def _start(
    processes: PrivateProcesses, environment: Mapping[str, str], ports: Mapping[Stage, int]
) -> dict[Stage, int]:
    """The process ids of four services that are ready."""
    started = {
        stage: processes.spawn(
            [sys.executable, "-m", f"services.{stage}"],
            {**environment, "HEALTH_PORT": str(port)},
        )
        for stage, port in ports.items()
    }

    def ended() -> bool:
        return any(process.poll() is not None for process in started.values())

    wait_until(lambda: ready(ports.values()) or ended(), _START_SECONDS)
    if ended() or not ready(ports.values()):
        log = processes.log.read_text(errors="replace")[-4000:]
        raise RuntimeError(f"the services did not start:\n{log}")
    return {stage: process.pid for stage, process in started.items()}


async def _delete_queues(amqp_url: str, lane: Lane) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for queue in lane.topology.queues:
            await channel.queue_delete(queue.name)
        for exchange in lane.topology.exchanges:
            await channel.exchange_delete(exchange.name)
