"""The dead queue in a test: filled, looked at, run again."""

import json
from typing import Any

from millrace.parked import Held, Selection, looking
from shared.broker.base import Message
from tests.deliveries import failing
from tests.flow import Flow


async def park(one: Flow, count: int, **headers: Any) -> None:
    """Put failed jobs, numbered from 0, into the dead queue."""
    for number in range(count):
        body = {"jobId": f"job-{number}", "source": "https://example.com/a.jpg"}
        why = {"parked": "failed", "run": 1, "error": "CorruptMedia", "stage": "process"}
        message = Message(json.dumps(body).encode(), headers={**why, **headers})
        await one.broker.publish(message, one.lane.dead)


async def look(one: Flow, **selected: Any) -> list[Held]:
    async with looking(one.broker, one.lane, Selection(**selected)) as found:
        return [held async for held in found]


async def ids(one: Flow, **selected: Any) -> list[str]:
    return [held.parked.id for held in await look(one, **selected)]


async def fail(one: Flow, *errors: Exception | None, job_id: str = "job") -> None:
    """Have a job fail in process, and be parked."""
    one.before["process"] = failing(*errors)
    await one.submit(job_id, metadata={"a": "b"})
    assert (await one.end_of(job_id))["outcome"] == "failed"
    await one.quiet()


async def redrive(one: Flow, **selected: Any) -> list[int | None]:
    async with looking(one.broker, one.lane, Selection(**selected)) as found:
        return [await held.redrive(one.broker, one.lane, one.workspace) async for held in found]
