"""What a stage does in a test of deliveries, and what came of it."""

import asyncio
from collections.abc import Iterator
from typing import Any

from shared.broker.base import Message
from shared.jobs import DownloadJob, Stage
from tests.flow import Before, Flow, UnreliableBroker

WORKING: tuple[Stage, ...] = ("download", "process", "upload")


def failing(*errors: Exception | None) -> Before:
    """Raises these errors, one each time; the last for ever."""
    left = list(errors)

    async def fail(job: Any, work: Any) -> None:
        error = left.pop(0) if len(left) > 1 else left[0]
        if error is not None:
            raise error

    return fail


class Gate:
    """Work that waits until it is let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.cancelled = False

    async def __call__(self, job: Any, work: Any) -> None:
        (work.directory / "half").write_bytes(b"half")
        self.entered.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def ended_well(one: Flow, job_id: str = "job") -> dict[str, Any]:
    """The end of a job that must have completed, once nothing more can come."""
    end = await one.end_of(job_id)
    await one.quiet()
    assert end["outcome"] == "completed"
    assert one.left() == []
    return end


async def parked_with(one: Flow, **headers: Any) -> None:
    """The dead queue holds the job's request, whole, with these headers."""
    message, *copies = await one.parked()
    assert all(copy.body == message.body for copy in copies)
    job = DownloadJob.decode(message.body)
    assert (job.job_id, job.run, job.metadata) == ("job", 1, {"a": "b"})
    assert job.operations is not None
    assert job.operations[0].op == "blur"
    assert {name: message.headers[name] for name in headers} == headers
    assert message.headers["reason"]


def rejected(one: Flow) -> list[dict[str, Any]]:
    return [event for event in one.events if event["type"].endswith(".rejected")]


def later(one: Flow) -> Iterator[tuple[Message, str, str]]:
    """What was published to wait queues: message, routing key, exchange."""
    assert isinstance(one.broker, UnreliableBroker)
    return (entry for entry in one.broker.published if ".retry." in entry[2])


def attempts_published(one: Flow, stage: Stage) -> list[int]:
    queue = one.lane.queue(stage)
    return [message.headers.get("attempt", 1) for message, key, _ in later(one) if key == queue]


def delays_published(one: Flow) -> list[str]:
    return [exchange.rpartition(".")[2] for _, _, exchange in later(one)]


async def depth_is(one: Flow, queue: str, count: int) -> bool:
    return await one.broker.depth(queue) == count
