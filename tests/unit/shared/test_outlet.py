"""Where deliveries lead, in the cases that the simulation found."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from shared import consumer
from shared.envelope import encode
from shared.errors import SourceUnavailable
from tests.deliveries import failing
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


async def test_delivery_that_meets_a_fault_of_our_own_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unsettled it would keep its slot for ever: one such delivery, and a slow stage stands."""
    monkeypatch.setattr(consumer, "GIVE_BACK_SECONDS", 0.05)
    async with flow(tmp_path, start=("download", "cleanup"), concurrency=1) as one:
        faulty = one.consumers["process"]
        postpone, faults = faulty._outlet.postpone, [RuntimeError("a slip")]

        async def slipping(*of: Any) -> None:
            if faults:
                raise faults.pop()
            await postpone(*of)

        monkeypatch.setattr(faulty._outlet, "postpone", slipping)
        one.before["process"] = failing(SourceUnavailable("away"), None)
        await faulty.start()
        await one.consumers["upload"].start()
        await one.submit()
        assert (await one.end_of())["outcome"] == "completed"
        assert "see the log" in (faulty.fault() or "")
        await faulty.stop()
        await one.consumers["upload"].stop()
