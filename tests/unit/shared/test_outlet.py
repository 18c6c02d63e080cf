"""Where deliveries lead, in the cases that the simulation found."""

import asyncio
import json
from pathlib import Path
from typing import Any

from shared.envelope import encode
from tests.flow import UnreliableBroker, flow
from tests.jobs import processing_job
from tests.waiting import until


async def test_given_up_message_that_is_renewed_goes_on_as_what_it_means(tmp_path: Path) -> None:
    """Its copy has no `x-death` any more, and must not be taken for nonsense."""
    async with flow(tmp_path, delivery_renew_seconds=0.05) as one:
        assert isinstance(one.broker, UnreliableBroker)
        opened = asyncio.Event()

        async def wait(_: Any, __: Any) -> None:
            await opened.wait()

        one.before["cleanup"] = wait
        message = encode(processing_job(one.workspace.volume))
        deaths = [{"queue": one.lane.queue("process"), "reason": "delivery_limit"}]
        await one.send(message.body, "cleanup", type=message.type, headers={"x-death": deaths})
        shortest = one.lane.retry("short")
        copies = one.broker.published
        await until(lambda: any(exchange == shortest for _, _, exchange in copies))
        opened.set()
        end = await one.end_of()
        await one.quiet()
        assert end["error"]["error"] == "DeliveryLimit"
        (again, *_) = [copy for copy, _, exchange in copies if exchange == shortest]
        assert again.type == "millrace.cleanup.v1"
        assert json.loads(again.body)["outcome"] == "failed"
        assert not one.about("job", {"rejected"})


async def test_confirm_that_nobody_waits_for_any_more_is_no_fault(tmp_path: Path) -> None:
    async with flow(tmp_path, start=("download",)) as one:
        assert isinstance(one.broker, UnreliableBroker)
        consumer = one.consumers["download"]
        one.broker.refuses = lambda key: key == one.lane.queue("process")
        await one.submit()
        await until(lambda: consumer.fault() is not None)
        assert consumer._subscription is not None
        await consumer._subscription.cancel()
        one.broker.sever(one.lane.queue("download"))
        await until(lambda: consumer.busy == 0)
        assert consumer.fault() is None
