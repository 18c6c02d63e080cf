"""A job's trace context goes along with it, from message to message, and to its events."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shared.broker.base import Message
from shared.envelope import trace_of
from shared.errors import SourceUnavailable
from tests.deliveries import ended_well, failing
from tests.flow import Flow, UnreliableBroker, flow
from tests.waiting import until

TRACE = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "vendor=1",
}


async def events_of(one: Flow, hear: Callable[[Message], None]) -> None:
    """Hear every event with its headers."""
    async with one.broker.listen(one.lane.events, "#") as messages:
        async for message in messages:
            hear(message)


def sent(one: Flow) -> list[Message]:
    """What was published to a stage, now or after a while."""
    assert isinstance(one.broker, UnreliableBroker)
    return [message for message, _, exchange in one.broker.published if exchange != one.lane.events]


async def test_every_message_and_event_of_a_job_belongs_to_its_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.supervisor.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("shared.updates.PROGRESS_SECONDS", 0)
    async with flow(tmp_path) as one:
        heard: list[Message] = []
        hearing = asyncio.create_task(events_of(one, heard.append))

        async def telling(job: Any, work: Any) -> None:
            work.progress(50.0)
            await asyncio.sleep(0.1)

        one.before["process"] = failing(SourceUnavailable(), None)
        one.before["upload"] = telling
        await one.submit(headers=TRACE)
        await ended_well(one)
        hearing.cancel()
        with suppress(asyncio.CancelledError):
            await hearing
        kinds = {str(message.type).rpartition(".")[2] for message in heard}
        assert {"started", "progress", "finished", "completed"} <= kinds
        # Download, two attempts of process, upload, cleanup.
        assert len(sent(one)) == 5
        for message in (*heard, *sent(one)):
            assert trace_of(message) == TRACE, message.type


async def test_a_result_that_is_published_again_belongs_to_the_trace(tmp_path: Path) -> None:
    """It was committed without headers: the delivery that finds it has them."""
    async with flow(tmp_path, start=("download",)) as one:
        assert isinstance(one.broker, UnreliableBroker)
        one.broker.refuses = lambda key: key == one.lane.queue("process")
        await one.submit(headers=TRACE)
        await until(lambda: one.workspace.files.exists(f"{one.workspace.jobs}/job.1/download.json"))
        one.broker.sever(one.lane.queue("download"))
        one.broker.refuses = lambda _: False
        await until(lambda: len(sent(one)) >= 2)
        assert one.calls["download"] == 1
        assert [trace_of(message) for message in sent(one)] == [TRACE] * len(sent(one))


async def test_a_refused_message_tells_its_trace(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        heard: list[Message] = []
        hearing = asyncio.create_task(events_of(one, heard.append))
        await asyncio.sleep(0)
        await one.send({"jobId": "wrong"}, headers=TRACE)
        await until(lambda: bool(heard))
        hearing.cancel()
        await asyncio.wait([hearing])
        assert trace_of(heard[0]) == TRACE


@pytest.mark.parametrize("value", [7, b"\xff", ["00-1"], {"a": 1}, None, "x" * 513])
def test_what_can_be_no_trace_goes_no_further(value: Any) -> None:
    assert trace_of(Message(b"{}", headers={"traceparent": value})) == {}
