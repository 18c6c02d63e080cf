"""A broker that loses patience, or memory, while a stage works."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.broker.rabbitmq import RabbitMQ
from tests.contract.brokers import new_lane
from tests.flow import Flow, flow
from tests.servers.rabbitmq import PrivateRabbitMQ, ensure_installed
from tests.waiting import soon, until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("impatient")]
PATIENCE_SECONDS = 2.0
RENEW_SECONDS = 0.8


@pytest.fixture
def hasty_rabbitmq() -> Iterator[PrivateRabbitMQ]:
    """A node that takes a delivery back after two seconds."""
    ensure_installed()
    with PrivateRabbitMQ(consumer_timeout_seconds=PATIENCE_SECONDS) as node:
        yield node


@asynccontextmanager
async def on(node: PrivateRabbitMQ, root: Path, **settings: Any) -> AsyncIterator[Flow]:
    broker = RabbitMQ(node.url, "test", confirm_seconds=2)
    try:
        async with flow(root, broker, new_lane(), **settings) as one:
            # A quorum queue younger than this may not survive the node's end.
            await asyncio.sleep(2)
            yield one
    finally:
        await broker.close()


class Long:
    """Work of a given length, and how often it was begun and ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begun = asyncio.Event()
        self.done = 0

    async def __call__(self, job: Any, work: Any) -> None:
        self.begun.set()
        await asyncio.sleep(self.seconds)
        self.done += 1


async def stored(one: Flow) -> bool:
    return "job/copy-0.jpg" in await one.keys()


async def test_work_of_five_renewals_is_done_once_over_a_restart_of_the_broker(
    tmp_path: Path, hasty_rabbitmq: PrivateRabbitMQ
) -> None:
    async with on(hasty_rabbitmq, tmp_path, delivery_renew_seconds=RENEW_SECONDS) as one:
        # Longer than the broker's patience before the restart, and once more after it.
        long = one.before["process"] = Long(2 * PATIENCE_SECONDS + 5 * RENEW_SECONDS + 4)
        await one.submit()
        await soon(long.begun.wait())
        await asyncio.sleep(PATIENCE_SECONDS * 1.5)
        await asyncio.to_thread(hasty_rabbitmq.restart)
        await until(lambda: stored(one))
        await until(lambda: one.left() == [])
        await one.quiet()
        assert (one.calls["process"], long.done) == (1, 1)
        assert len(await one.keys()) == 1


async def test_that_broker_takes_back_what_is_not_renewed(
    tmp_path: Path, hasty_rabbitmq: PrivateRabbitMQ
) -> None:
    """Else the test above would show nothing."""
    async with on(hasty_rabbitmq, tmp_path, delivery_renew_seconds=600) as one:
        long = one.before["process"] = Long(3600)
        await one.submit()
        await soon(long.begun.wait())
        (running,) = one.consumers["process"]._running
        await until(running.delivery.lost.done)


async def test_a_memory_alarm_holds_work_up_and_loses_none(
    tmp_path: Path, private_rabbitmq: PrivateRabbitMQ
) -> None:
    async with on(private_rabbitmq, tmp_path) as one:
        entered, opened = asyncio.Event(), asyncio.Event()

        async def wait(job: Any, work: Any) -> None:
            entered.set()
            await opened.wait()

        one.before["process"] = wait
        await one.submit()
        await soon(entered.wait())
        await watermark(private_rabbitmq, "0.000001")
        opened.set()
        await until(lambda: "does not confirm" in (one.consumers["process"].fault() or ""))
        assert one.consumers["process"].alive
        assert not await one.keys()
        await watermark(private_rabbitmq, "0.4")
        await until(lambda: stored(one))
        await until(lambda: one.left() == [])
        await until(lambda: one.consumers["process"].fault() is None)
        assert one.calls["process"] == 1


async def watermark(node: PrivateRabbitMQ, share: str) -> None:
    await asyncio.to_thread(node.control, "set_vm_memory_high_watermark", share)
