"""A stage that takes no deliveries for a while, and the others that go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared import service
from shared.service import heed
from tests.deliveries import Gate, ended_well
from tests.flow import Flow, UnreliableBroker, flow
from tests.waiting import until


class Disk:
    """Says that it is full while it is told so."""

    full = False

    def reason(self) -> str | None:
        return "the disk is full" if self.full else None


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.01)


@asynccontextmanager
async def heeding(one: Flow, disk: Disk) -> AsyncIterator[None]:
    task = asyncio.create_task(heed(disk.reason, one.consumers["download"]))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_paused_downloads_wait_in_their_queue_while_other_stages_go_on(
    tmp_path: Path,
) -> None:
    disk = Disk()
    async with flow(tmp_path) as one, heeding(one, disk):
        gate = one.before["process"] = Gate()
        await one.submit("first")
        await gate.entered.wait()
        disk.full = True
        await until(lambda: one.consumers["download"].paused)
        await one.submit("second")
        gate.opened.set()
        assert (await one.end_of("first"))["outcome"] == "completed"
        assert one.calls["download"] == 1
        assert await one.broker.depth(one.lane.queue("download")) == 1
        disk.full = False
        await ended_well(one, "second")
        assert not one.consumers["download"].paused


async def test_a_download_in_hand_goes_on_when_the_next_are_paused(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gate = one.before["download"] = Gate()
        await one.submit()
        await gate.entered.wait()
        await one.consumers["download"].pause()
        gate.opened.set()
        await ended_well(one)
        assert one.calls["download"] == 1


async def test_pausing_again_and_again_leaves_nothing_at_the_broker(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        consumer = one.consumers["download"]
        queue = one.broker._queues[one.lane.queue("download")]
        for _ in range(10):
            await consumer.pause()
            await consumer.pause()
            await consumer.resume()
            await consumer.resume()
        await until(lambda: len(queue.subscriptions) == 1)
        await one.submit()
        await ended_well(one)


async def test_a_paused_consumer_drains_and_never_resumes(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gate = one.before["download"] = Gate()
        consumer = one.consumers["download"]
        await one.submit()
        await gate.entered.wait()
        await consumer.pause()
        stopping = asyncio.create_task(consumer.stop())
        gate.opened.set()
        await stopping
        await consumer.resume()
        assert not consumer.alive
        assert not consumer.paused
        await ended_well(one)


async def test_a_look_that_fails_is_not_the_last(tmp_path: Path) -> None:
    class Ill(Disk):
        faults = 2

        def reason(self) -> str | None:
            self.faults -= 1
            if self.faults >= 0:
                raise OSError("a disk that does not answer")
            return "the disk is full"

    async with flow(tmp_path) as one, heeding(one, Ill()):
        await until(lambda: one.consumers["download"].paused)
