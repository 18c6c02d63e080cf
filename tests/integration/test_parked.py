"""Parked messages on a real RabbitMQ: more of them than one channel holds."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from millrace.parked import BATCH, Selection, looking
from shared.broker.base import Message
from tests.contract.brokers import Subject, on_rabbitmq
from tests.waiting import until

MANY = 2 * BATCH + 100


@pytest.fixture
async def rabbit(amqp_url: str) -> AsyncIterator[Subject]:
    async with on_rabbitmq(amqp_url) as subject:
        await subject.broker.declare(subject.lane.topology)
        yield subject


async def park(subject: Subject, count: int) -> None:
    for begin in range(0, count, 500):
        numbers = range(begin, min(count, begin + 500))
        await asyncio.gather(
            *(subject.broker.publish(message(number), subject.lane.dead) for number in numbers)
        )
    await until(lambda: parked(subject, count))


def message(number: int) -> Message:
    body = {"jobId": f"job-{number}", "source": "https://example.com/a.jpg"}
    return Message(json.dumps(body).encode(), headers={"parked": "failed", "run": 1})


async def parked(subject: Subject, count: int) -> bool:
    return await subject.broker.depth(subject.lane.dead) == count


async def ids(subject: Subject) -> list[str]:
    async with looking(subject.broker, subject.lane, Selection()) as found:
        return [held.parked.id async for held in found]


async def test_thousands_are_seen_in_order_and_all_are_given_back(rabbit: Subject) -> None:
    await park(rabbit, MANY)
    everything = [f"job-{number}" for number in range(MANY)]
    for _ in range(2):
        assert await ids(rabbit) == everything
        await until(lambda: parked(rabbit, MANY))


async def test_those_that_run_again_are_gone_and_the_others_stay(rabbit: Subject) -> None:
    await park(rabbit, 30)
    chosen = Selection(ids=frozenset({"job-3", "job-17", "job-29"}))
    async with looking(rabbit.broker, rabbit.lane, chosen) as found:
        runs = [await held.redrive(rabbit.broker, rabbit.lane) async for held in found]
    assert runs == [2, 2, 2]
    await until(lambda: parked(rabbit, 27))
    assert await rabbit.broker.depth(rabbit.lane.queue("download")) == 3
    left = [f"job-{number}" for number in range(30) if f"job-{number}" not in chosen.ids]
    assert await ids(rabbit) == left


async def test_a_look_at_the_oldest_keeps_the_order(rabbit: Subject) -> None:
    """RabbitMQ puts what comes back behind what was never delivered."""
    await park(rabbit, BATCH + 10)
    async with looking(rabbit.broker, rabbit.lane, Selection(limit=3)) as found:
        assert [held.parked.id async for held in found] == ["job-0", "job-1", "job-2"]
    await until(lambda: parked(rabbit, BATCH + 10))
    assert (await ids(rabbit))[:3] == ["job-0", "job-1", "job-2"]
