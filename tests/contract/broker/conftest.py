"""Every broker, and RabbitMQ alone: the consumer relies on the same of each."""

from collections.abc import AsyncIterator

import pytest

from shared.broker import topology
from tests.contract.broker.messages import LIMIT
from tests.contract.brokers import Subject, in_memory, on_rabbitmq


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.broker.rabbitmq.pause", lambda: 0.05)
    monkeypatch.setattr(topology, "DELIVERY_LIMIT", LIMIT)
    monkeypatch.setattr(topology, "CLEANUP_DELIVERY_LIMIT", LIMIT)


@pytest.fixture(params=["memory", "rabbitmq"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "memory":
        opened = in_memory()
    else:
        opened = on_rabbitmq(request.getfixturevalue("amqp_url"))
    async with opened as subject:
        await subject.broker.declare(subject.lane.topology)
        yield subject


@pytest.fixture
async def rabbit(amqp_url: str) -> AsyncIterator[Subject]:
    async with on_rabbitmq(amqp_url) as subject:
        await subject.broker.declare(subject.lane.topology)
        yield subject
