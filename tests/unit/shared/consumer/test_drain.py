"""The end of a service with deliveries in hand."""

import asyncio
from pathlib import Path

from tests.deliveries import (
    Gate,
    ended_well,
)
from tests.flow import UnreliableBroker, flow
from tests.waiting import soon, until


async def test_stopping_waits_for_what_is_in_hand(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gate = one.before["process"] = Gate()
        await one.submit("first")
        await soon(gate.entered.wait())
        stopping = asyncio.create_task(one.consumers["process"].stop())
        await until(lambda: not one.consumers["process"].alive)
        await one.submit("second")
        gate.opened.set()
        await soon(stopping)
        assert (await one.end_of("first"))["outcome"] == "completed"
        assert one.calls["process"] == 1
        again = one.consumer("process")
        await again.start()
        assert (await one.end_of("second"))["outcome"] == "completed"
        await again.stop()


async def test_work_that_does_not_end_in_time_is_killed_and_settles_nothing(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path, start=("download", "upload", "cleanup"), drain_seconds=0.05) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before["process"] = Gate()
        await one.submit()
        worker = one.consumer("process")
        await worker.start()
        await soon(gate.entered.wait())
        published = len(one.broker.published)
        await soon(worker.stop())
        assert gate.cancelled
        assert len(one.broker.published) == published
        assert not one.about("job", {"failed", "cancelled"})
        one.broker.sever(one.lane.queue("process"))  # as the end of the process does
        gate.opened.set()
        await one.consumers["process"].start()
        await ended_well(one)
        await one.consumers["process"].stop()
        assert one.calls["process"] == 2
