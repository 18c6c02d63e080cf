"""Messages that the broker gave up, since their workers died of them."""

import json
from pathlib import Path

import pytest

from shared.broker import topology
from shared.broker.topology import QUEUE_OF_STAGE
from shared.envelope import encode
from shared.jobs import Stage
from tests.deliveries import WORKING, attempts_published, depth_is, parked_with
from tests.flow import Copying, UnreliableBroker, flow
from tests.jobs import upload_job
from tests.waiting import until


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("stage", WORKING)
async def test_job_whose_workers_die_again_and_again_fails(
    tmp_path: Path, stage: Stage, long: bool
) -> None:
    others = tuple(other for other in QUEUE_OF_STAGE if other != stage)
    async with flow(tmp_path, start=others) as one:
        assert isinstance(one.broker, UnreliableBroker)
        one.stages["process"] = Copying(outputs=400 if long else 1)
        await one.submit(metadata={"a": "b"}, operations=["blur"])
        queue = one.lane.queue(stage)
        await until(lambda: depth_is(one, queue, 1))
        await until(lambda: one.busy == 0)
        await one.broker.subscribe(queue, 1, lambda _: None)
        for _ in range(11):
            one.broker.sever(queue)
        end = await one.end_of()
        await one.quiet()
        assert end["outcome"] == "failed"
        assert (end["error"]["error"], end["error"]["stage"]) == ("DeliveryLimit", stage)
        assert "delivery_limit" in end["error"]["message"]
        assert one.left() == []
        await parked_with(one, error="DeliveryLimit", stage=stage)


async def test_files_of_a_given_up_job_on_another_volume_are_left_to_its_cleanup(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path) as one:
        deaths = [{"queue": one.lane.queue("upload"), "reason": "delivery_limit"}]
        message = encode(upload_job("elsewhere"))
        await one.send(message.body, "cleanup", headers={"x-death": deaths})
        await until(lambda: len(attempts_published(one, "cleanup")) > 1)
        assert not one.about("job", {"failed"})
        assert one.workspace.receipts() == []


async def test_cleanup_that_dies_again_and_again_is_parked_by_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "CLEANUP_DELIVERY_LIMIT", 10)
    async with flow(tmp_path, start=WORKING) as one:
        assert isinstance(one.broker, UnreliableBroker)
        await one.submit()
        queue = one.lane.queue("cleanup")
        await until(lambda: depth_is(one, queue, 1))
        await one.broker.subscribe(queue, 1, lambda _: None)
        for _ in range(11):
            one.broker.sever(queue)
        (message,) = await one.parked()
        assert json.loads(message.body)["outcome"] == "completed"
