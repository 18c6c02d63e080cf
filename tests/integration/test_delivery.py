"""The same consumer on a real RabbitMQ: what dies, and what comes back."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.broker import topology
from shared.broker.rabbitmq import RabbitMQ
from shared.errors import CorruptMedia, SourceUnavailable
from shared.jobs import DownloadJob
from tests.contract.brokers import delete, new_lane
from tests.flow import Copying, Flow, flow
from tests.proxy import Cable, cable
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.waiting import soon, until

pytestmark = pytest.mark.usefixtures("impatient")
ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def on_rabbitmq(root: Path, url: str, **options: Any) -> AsyncIterator[Flow]:
    lane = new_lane()
    broker = RabbitMQ(url, "test", confirm_seconds=10)
    try:
        async with flow(root, broker, lane, **options) as one:
            yield one
    finally:
        await broker.close()


@pytest.fixture
async def line(amqp_url: str) -> AsyncIterator[Cable]:
    async with cable(amqp_url) as line:
        yield line


@pytest.fixture
async def one(tmp_path: Path, line: Cable, amqp_url: str) -> AsyncIterator[Flow]:
    async with on_rabbitmq(tmp_path, line.url) as one:
        yield one
    await delete(amqp_url, one.lane.topology)


class Gate:
    """Work that waits until it is let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, job: Any, work: Any) -> None:
        self.entered.set()
        await self.opened.wait()


async def completed(one: Flow, job_id: str) -> dict[str, Any]:
    end = await one.end_of(job_id)
    assert end["outcome"] == "completed"
    await until(lambda: one.left() == [])
    return end


async def test_many_jobs_go_through(one: Flow) -> None:
    for number in range(20):
        await one.submit(f"job-{number}")
    for number in range(20):
        await completed(one, f"job-{number}")
    assert one.calls["process"] == 20
    assert len(await one.keys()) == 20
    await until(lambda: updates_of(one, 20 * 4))


async def updates_of(one: Flow, count: int) -> bool:
    """Whether the updates queue has this many: three `finished` and the end, of each job."""
    return await one.broker.depth(one.lane.updates) >= count


async def test_long_message_travels_as_a_reference(one: Flow) -> None:
    one.stages["process"] = Copying(outputs=400)
    await one.submit()
    assert len((await completed(one, "job"))["results"]) == 400


async def test_retry_comes_again(one: Flow) -> None:
    errors: list[Exception | None] = [SourceUnavailable(), RuntimeError("unforeseen"), None]

    async def fail(job: Any, work: Any) -> None:
        if error := errors.pop(0):
            raise error

    one.before["download"] = fail
    await one.submit()
    await completed(one, "job")
    assert one.calls["download"] == 3


async def test_failed_job_is_parked(one: Flow) -> None:
    async def fail(job: Any, work: Any) -> None:
        raise CorruptMedia("The photo is damaged.")

    one.before["process"] = fail
    await one.submit(metadata={"a": "ä"})
    assert (await one.end_of())["error"]["message"] == "The photo is damaged."
    (parked,) = await one.parked()
    assert DownloadJob.decode(parked.body).metadata == {"a": "ä"}
    assert parked.headers["error"] == "CorruptMedia"


async def test_running_job_is_cancelled(one: Flow) -> None:
    gate = one.before["upload"] = Gate()
    await one.submit()
    await soon(gate.entered.wait())
    await one.cancel()
    assert (await one.end_of())["outcome"] == "cancelled"
    await until(lambda: one.left() == [])


async def test_work_goes_on_while_the_connection_is_lost(one: Flow, line: Cable) -> None:
    gate = one.before["process"] = Gate()
    await one.submit()
    await soon(gate.entered.wait())
    line.break_off()
    await until(lambda: not one.broker.connected)
    gate.opened.set()
    await asyncio.sleep(0.2)
    line.mend()
    # The watcher of events lost its connection too: what counts is what the storage has.
    await until(lambda: has_key(one, "job/copy-0.jpg"))
    await until(lambda: one.left() == [])
    assert one.calls["process"] == 1


async def has_key(one: Flow, key: str) -> bool:
    return key in await one.keys()


# ── workers that die ─────────────────────────────────────────────────────────────────────────


@contextmanager
def worker(one: Flow, url: str, how: str) -> Iterator["subprocess.Popen[bytes]"]:
    argv = [sys.executable, "-m", "tests.integration.worker", url, one.lane.prefix]
    argv += [str(one.workspace.root), how]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, env=environment, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_job_that_kills_its_workers_fails_and_leaves_nothing(
    tmp_path: Path, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "DELIVERY_LIMIT", 1)
    async with on_rabbitmq(tmp_path, amqp_url, start=("download", "upload", "cleanup")) as one:
        await one.submit()
        for _ in range(2):
            with worker(one, amqp_url, "die") as process:
                assert await asyncio.to_thread(process.wait, 60) == -9
        end = await one.end_of()
        assert (end["outcome"], end["error"]["error"]) == ("failed", "DeliveryLimit")
        assert end["error"]["stage"] == "process"
        assert (end["receipt"]["filesRemoved"], end["receipt"]["bytesRemoved"]) == (2, 16)
        await until(lambda: one.left() == [])
        (parked,) = await one.parked()
        assert parked.headers["error"] == "DeliveryLimit"
    await delete(amqp_url, one.lane.topology)


async def test_job_of_a_worker_that_was_killed_is_done_by_the_next(
    tmp_path: Path, amqp_url: str
) -> None:
    async with on_rabbitmq(tmp_path, amqp_url, start=("download", "upload", "cleanup")) as one:
        await one.submit()
        with worker(one, amqp_url, "die") as process:
            assert await asyncio.to_thread(process.wait, 60) == -9
        with worker(one, amqp_url, "work"):
            end = await one.end_of()
        assert end["outcome"] == "completed"
        # The original and the copy: what the killed worker had begun was removed before.
        assert end["receipt"]["filesRemoved"] == 2
        await until(lambda: one.left() == [])
    await delete(amqp_url, one.lane.topology)


# ── a broker that goes away ──────────────────────────────────────────────────────────────────


async def test_broker_restarts_in_the_middle(
    tmp_path: Path, private_rabbitmq: PrivateRabbitMQ
) -> None:
    node = private_rabbitmq
    async with on_rabbitmq(tmp_path, node.url) as one:
        gate = one.before["process"] = Gate()
        await one.submit("working")
        await soon(gate.entered.wait())
        await asyncio.to_thread(node.stop)
        await until(lambda: not one.consumers["process"].alive)
        assert not one.broker.connected
        gate.opened.set()
        await asyncio.to_thread(node.start)
        await until(lambda: all(consumer.alive for consumer in one.consumers.values()))
        await until(lambda: submitted(one, "after"))
        await until(lambda: has_key(one, "working/copy-0.jpg"))
        await until(lambda: has_key(one, "after/copy-0.jpg"))
        await until(lambda: one.left() == [])
        assert one.calls["process"] == 2


async def submitted(one: Flow, job_id: str) -> bool:
    try:
        await one.submit(job_id)
    except Exception:
        return False
    return True
