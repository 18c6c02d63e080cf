"""The same message, delivered twice."""

import json
from pathlib import Path

import pytest

from shared.broker.base import Message
from shared.envelope import encode
from shared.errors import (
    CorruptMedia,
)
from shared.jobs import Stage
from tests.deliveries import (
    WORKING,
    Gate,
    attempts_published,
    delays_published,
    depth_is,
    ended_well,
    failing,
)
from tests.flow import UnreliableBroker, flow
from tests.jobs import cleanup_job
from tests.unit.shared.workspace.doors import another_process_holds
from tests.waiting import soon, until


@pytest.mark.parametrize("stage", [*WORKING, "cleanup"])
async def test_duplicates_before_and_after_the_end_change_nothing(
    tmp_path: Path, stage: Stage
) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        await one.submit()
        await ended_well(one)
        queue = one.lane.queue(stage)
        message = next(m for m, key, _ in one.broker.published if key == queue)
        for _ in range(3):
            await one.broker.publish(message, queue)
        await one.quiet()
        assert {name: one.calls[name] for name in WORKING} == dict.fromkeys(WORKING, 1)
        ends = one.about("job", {"completed", "failed", "cancelled", "expired", "rejected"})
        assert {event["id"] for event in ends} == {"job.1.completed"}
        assert len({json.dumps(event["data"]) for event in ends}) == 1
        assert await one.keys() == ["job/copy-0.jpg"]
        assert one.left() == []
        assert await one.broker.depth(one.lane.dead) == 0


async def test_duplicates_in_every_queue_are_one_job(tmp_path: Path) -> None:
    class Doubling(UnreliableBroker):
        async def publish(
            self, message: Message, routing_key: str, exchange: str = "", *, wanted: bool = True
        ) -> None:
            for _ in range(2):
                await super().publish(message, routing_key, exchange, wanted=wanted)

    broker = Doubling()
    async with flow(tmp_path, broker) as one:
        await one.submit()
        await ended_well(one)
        assert {name: one.calls[name] for name in WORKING} == dict.fromkeys(WORKING, 1)
        assert {event["id"] for event in one.about("job", {"completed"})} == {"job.1.completed"}
    await broker.close()


@pytest.mark.parametrize("stage", WORKING)
async def test_duplicate_while_the_stage_works_waits(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before[stage] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        queue = one.lane.queue(stage)
        message = next(m for m, key, _ in one.broker.published if key == queue)
        await one.broker.publish(message, queue)
        await until(lambda: attempts_published(one, stage) != [])
        gate.opened.set()
        await ended_well(one)
        assert one.calls[stage] == 1
        assert set(attempts_published(one, stage)) == {1}


async def test_job_locked_by_another_process_waits(tmp_path: Path) -> None:
    async with flow(tmp_path, start=("download", "upload", "cleanup")) as one:
        await one.submit()
        await one.event("job", {"finished"})
        await until(lambda: one.busy == 0)
        with another_process_holds(tmp_path / "jobs" / "job.1"):
            await one.consumers["process"].start()
            await until(lambda: len(delays_published(one)) >= 2)
            assert one.calls["process"] == 0
        await ended_well(one)
        await one.consumers["process"].stop()


async def test_zombie_cannot_contradict_its_successor(tmp_path: Path) -> None:
    """A committed result stands, whatever a later attempt would say."""
    async with flow(tmp_path, start=("download", "upload", "cleanup")) as one:
        await one.submit()
        await one.event("job", {"finished"})
        await until(lambda: one.busy == 0)
        one.before["download"] = failing(CorruptMedia())
        await one.submit()
        await until(lambda: one.busy == 0)
        assert one.calls["download"] == 1
        await one.consumers["process"].start()
        await ended_well(one)
        await one.consumers["process"].stop()


async def test_a_sweep_that_was_overtaken_expires_nothing(tmp_path: Path) -> None:
    """It saw a directory without a lease; now the job waits for its next stage."""
    async with flow(tmp_path, start=("download", "upload", "cleanup")) as one:
        await one.submit()
        await until(lambda: depth_is(one, one.lane.queue("process"), 1))
        early = encode(cleanup_job(one.workspace.volume, "expired"))
        await one.send(early.body, "cleanup", type=early.type)
        await until(lambda: depth_is(one, one.lane.queue("cleanup"), 0))
        await until(lambda: one.busy == 0)
        await one.consumers["process"].start()
        await ended_well(one)
        assert not one.about("job", {"expired", "rejected"})
