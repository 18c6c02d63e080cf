"""What a worker that died had begun, and its successor finishes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.errors import (
    ObjectExists,
)
from tests.deliveries import (
    WORKING,
    depth_is,
    parked_with,
)
from tests.flow import Copying, Flow, UnreliableBroker, flow
from tests.waiting import until


@pytest.mark.parametrize("outputs", [1, 400])
@pytest.mark.parametrize("step", ["receipt", "settle", "remove", "park", "mark_parked", "ended"])
async def test_crash_between_any_two_steps_of_cleanup_is_finished_by_the_next_delivery(
    tmp_path: Path, step: str, outputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.cleanup.park import Parking
    from shared.updates import Updates
    from shared.workspace import Closing

    where: dict[str, tuple[Any, str]] = {
        "receipt": (Closing, "receipt"),
        "remove": (Closing, "remove"),
        "park": (Parking, "park"),
        "mark_parked": (Closing, "mark_parked"),
        "ended": (Updates, "ended"),
    }
    async with flow(tmp_path, start=WORKING) as one:
        if step == "settle":
            where["settle"] = (type(one.storage), "rollback")
        one.stages["process"] = Copying(outputs=outputs)
        one.stages["upload"] = ending_badly(one)
        await one.submit(metadata={"a": "b"}, operations=["blur"])
        await until(lambda: depth_is(one, one.lane.queue("cleanup"), 1))
        await until(lambda: one.busy == 0)
        with monkeypatch.context() as patched:
            crashed = crash_after(patched, *where[step])
            worker = one.consumer("cleanup")
            await worker.start()
            await until(lambda: bool(crashed))
            await until(lambda: worker.busy == 0)
        assert isinstance(one.broker, UnreliableBroker)
        await worker.stop()
        one.broker.sever(one.lane.queue("cleanup"))
        await one.consumers["cleanup"].start()
        end = await one.end_of()
        await one.quiet()
        await one.consumers["cleanup"].stop()
        assert (end["outcome"], end["error"]["error"]) == ("failed", "ObjectExists")
        assert end["receipt"]["filesRemoved"] == outputs + 1
        assert one.left() == []
        assert await one.keys() == []
        await parked_with(one, error="ObjectExists", stage="upload")


def ending_badly(one: Flow) -> Any:
    store = one.stages["upload"]

    async def store_and_fail(job: Any, work: Any) -> Any:
        await store(job, work)
        raise ObjectExists

    return store_and_fail


def crash_after(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[str]:
    """Crash at the first return of a method; the list tells when."""
    real = getattr(owner, name)
    crashed: list[str] = []

    def crash() -> None:
        if not crashed:
            crashed.append(name)
            raise asyncio.CancelledError

    def sync(*arguments: Any) -> Any:
        result = real(*arguments)
        crash()
        return result

    async def later(*arguments: Any) -> Any:
        result = await real(*arguments)
        crash()
        return result

    monkeypatch.setattr(owner, name, later if asyncio.iscoroutinefunction(real) else sync)
    return crashed
