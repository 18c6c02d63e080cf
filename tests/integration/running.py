"""Services that run as processes of their own, and a user who publishes by hand."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import aiohttp
from aiohttp import web

from shared.broker.topology import Lane
from tests.contract.brokers import delete
from tests.servers.ports import free_ports
from tests.servers.processes import PrivateProcesses
from tests.servers.web import served
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "examples" / "mountains.jpg"
TERMINAL = ("completed", "failed", "cancelled", "expired", "rejected")


@dataclass
class Running:
    """Services that were started, by stage.

    Attributes:
        spawn: starts the service of a stage.
    """

    url: str
    lane: Lane
    folder: Path
    ports: Mapping[str, int]
    processes: dict[str, "subprocess.Popen[bytes]"]
    log: Path
    spawn: Callable[[str], "subprocess.Popen[bytes]"]

    @property
    def uploads(self) -> Path:
        return self.folder / "uploads"

    def kill(self, stage: str) -> None:
        """End a service like a crash of its machine does; it does nothing more."""
        self.processes[stage].kill()
        self.processes[stage].wait()

    def start_again(self, stage: str) -> None:
        self.processes[stage] = self.spawn(stage)

    def left(self) -> list[Path]:
        """What is left of any job in the work directory."""
        root = self.folder / "work" / self.lane.prefix
        return [path for name in ("jobs", "trash") for path in (root / name).iterdir()]


@contextmanager
def started(url: str, stages: Sequence[str], **settings: str) -> Iterator[Running]:
    """Services as anyone starts them: `python -m services.<stage>`, told by environment alone."""
    lane = Lane(f"test-{uuid4().hex[:8]}.lane")
    ports = dict(zip(stages, free_ports(len(stages)), strict=True))
    with PrivateProcesses("services") as processes:
        environment = {
            "AMQP_URL": url,
            "QUEUE_PREFIX": lane.prefix,
            "TEMP_DIR": str(processes.folder / "work"),
            "UPLOAD_PATH": str(processes.folder / "uploads"),
            "SOURCE_ROOTS": str(PHOTO.parent),
            "HEALTH_HOST": "127.0.0.1",
            "PYTHONPATH": str(ROOT),
            **settings,
        }

        def spawn(stage: str) -> "subprocess.Popen[bytes]":
            settings = {**environment, "HEALTH_PORT": str(ports[stage])}
            return processes.spawn([sys.executable, "-m", f"services.{stage}"], settings)

        spawned = {stage: spawn(stage) for stage in stages}
        yield Running(url, lane, processes.folder, ports, spawned, processes.log, spawn)
    # In a thread: some who start services have a running loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, delete(url, lane.topology)).result()


async def ready(running: Running) -> None:
    """Return once every service says so itself."""

    async def all_ready() -> bool:
        dead = [stage for stage, one in running.processes.items() if one.poll() is not None]
        assert not dead, running.log.read_text(errors="replace")[-4000:]
        return [await status(running, stage, "readyz") for stage in running.ports] == [200] * len(
            running.ports
        )

    await until(all_ready, "all services ready")


async def status(running: Running, stage: str, path: str) -> int:
    try:
        return (await asked(running, stage, path))[0]
    except aiohttp.ClientError:
        return 0


async def asked(running: Running, stage: str, path: str) -> tuple[int, str]:
    address = f"http://127.0.0.1:{running.ports[stage]}/{path}"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        return response.status, await response.text()


@dataclass
class User:
    """Publishes, and reads every update."""

    channel: aio_pika.abc.AbstractChannel
    updates: aio_pika.abc.AbstractQueue
    lane: Lane

    async def publish(self, body: bytes, queue: str = "download", **properties: Any) -> None:
        await self.channel.default_exchange.publish(
            aio_pika.Message(body, **properties), routing_key=f"{self.lane.prefix}.{queue}"
        )

    async def end_of(self, job_id: str | None) -> dict[str, Any]:
        """The terminal event of the job."""
        async with asyncio.timeout(60):
            async with self.updates.iterator() as messages:
                async for message in messages:
                    async with message.process():
                        event: dict[str, Any] = json.loads(message.body)
                    kind = event["type"].rpartition(".")[2]
                    if event["data"]["jobId"] == job_id and kind in TERMINAL:
                        return event
        raise AssertionError("the updates ended")


@asynccontextmanager
async def user_of(running: Running) -> AsyncIterator[User]:
    async with await aio_pika.connect(running.url) as connection:
        channel = await connection.channel()
        updates = await channel.declare_queue(exclusive=True)
        await updates.bind(running.lane.events, "#")
        yield User(channel, updates, running.lane)


def job(job_id: str, **fields: Any) -> bytes:
    return json.dumps({"jobId": job_id, "source": PHOTO.as_uri(), **fields}).encode()


@asynccontextmanager
async def serving(answer: Any) -> AsyncIterator[str]:
    """An HTTP server that answers everything so."""
    app = web.Application()
    app.router.add_get("/{name}", answer)
    async with served(app) as address:
        yield address
