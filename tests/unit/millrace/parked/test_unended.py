"""Ends that cleanup itself died of go on."""

import json
from pathlib import Path

import pytest

from shared.broker import topology
from shared.broker.base import Message
from shared.broker.topology import QUEUE_OF_STAGE
from shared.errors import CorruptMedia
from shared.jobs import Stage
from tests.deliveries import WORKING, depth_is, failing
from tests.flow import Flow, UnreliableBroker, flow
from tests.unit.millrace.parked.dead import look, redrive
from tests.waiting import until


async def test_an_end_that_cleanup_died_of_goes_on(one: Flow) -> None:
    one.before["upload"] = failing(CorruptMedia())
    deaths = [{"queue": one.lane.queue("cleanup"), "reason": "delivery_limit"}]
    end = {"jobId": "job", "run": 1, "volume": one.workspace.volume, "outcome": "expired"}
    message = Message(json.dumps(end).encode(), headers={"x-death": deaths})
    await one.broker.publish(message, one.lane.dead)
    (held,) = await look(one)
    assert (held.parked.kind, held.parked.stage) == ("unended", "cleanup")
    assert await redrive(one) == [None]
    assert (await one.end_of())["outcome"] == "expired"
    assert await one.broker.depth(one.lane.dead) == 0


@pytest.mark.parametrize("stage", WORKING)
async def test_a_job_that_its_stage_and_cleanup_died_of_is_ended_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    """It lies there as the stage's own message, and cleanup must not take it for nonsense."""
    monkeypatch.setattr(topology, "CLEANUP_DELIVERY_LIMIT", 10)
    before = tuple(QUEUE_OF_STAGE)[: tuple(QUEUE_OF_STAGE).index(stage)]
    async with flow(tmp_path, start=before) as one:
        await one.submit()
        await die(one, stage)
        # Cleanup may die of it once more, after it was handed to cleanup again.
        for _ in range(2):
            await die(one, "cleanup")
            await until(lambda: depth_is(one, one.lane.dead, 1))
            (held,) = await look(one)
            assert (held.parked.kind, held.parked.stage) == ("unended", "cleanup")
            assert await redrive(one) == [None]
        await one.consumers["cleanup"].start()
        end = await one.end_of()
        await one.quiet()
        await one.consumers["cleanup"].stop()
        assert (end["outcome"], end["error"]["stage"]) == ("failed", stage)
        assert end["error"]["error"] == "DeliveryLimit"
        assert one.left() == []
        assert [held.parked.kind for held in await look(one)] == ["failed"]


async def die(one: Flow, stage: Stage) -> None:
    """Have the broker give up the message that lies before `stage`."""
    assert isinstance(one.broker, UnreliableBroker)
    queue = one.lane.queue(stage)
    await until(lambda: depth_is(one, queue, 1))
    await until(lambda: one.busy == 0)
    subscription = await one.broker.subscribe(queue, 1, lambda _: None)
    for _ in range(11):
        one.broker.sever(queue)
    await subscription.cancel()
