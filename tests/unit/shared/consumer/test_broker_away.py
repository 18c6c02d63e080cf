"""A broker that is away while a stage works, or when its result is there."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared.broker.base import Message
from shared.errors import (
    SourceUnavailable,
)
from shared.jobs import Stage
from tests.deliveries import (
    WORKING,
    Gate,
    attempts_published,
    ended_well,
    failing,
)
from tests.flow import UnreliableBroker, flow
from tests.waiting import soon, until


@pytest.mark.parametrize("stage", [*WORKING, "cleanup"])
async def test_publishing_that_fails_for_a_while_is_tried_again(
    tmp_path: Path, stage: Stage
) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        broker = one.broker
        following = {"download": "process", "process": "upload", "upload": "cleanup"}
        await one.submit()
        key = one.lane.queue(following[stage]) if stage in following else "job.completed"  # type: ignore[arg-type]
        broker.refuses = lambda routing_key: routing_key == key and broker.refused < 4
        await ended_well(one)
        assert broker.refused == 4
        assert one.calls[stage] == 1


async def test_retry_that_cannot_be_published_is_kept(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        broker = one.broker
        one.before["process"] = failing(SourceUnavailable(), None)
        await one.submit()
        broker.refuses = lambda _: one.calls["process"] == 1 and broker.refused < 4
        await ended_well(one)
        assert one.calls["process"] == 2


@pytest.mark.parametrize("stage", WORKING)
async def test_work_goes_on_when_the_delivery_is_lost(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before[stage] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        for _ in range(3):
            one.broker.sever(one.lane.queue(stage))
        await until(lambda: attempts_published(one, stage) != [])
        assert not gate.cancelled
        gate.opened.set()
        await ended_well(one)
        assert one.calls[stage] == 1


async def test_work_goes_on_when_the_delivery_is_lost_with_one_slot(tmp_path: Path) -> None:
    async with flow(tmp_path, concurrency=1) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        one.broker.sever(one.lane.queue("process"))
        await until(lambda: one.consumers["process"].busy == 2)
        gate.opened.set()
        await ended_well(one)
        assert one.calls["process"] == 1


async def test_result_that_cannot_be_published_for_a_lost_delivery_is_left_to_the_next(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path) as one:
        assert isinstance(one.broker, UnreliableBroker)
        broker = one.broker
        away = True
        broker.refuses = lambda key: away and key == one.lane.queue("upload")
        await one.submit()
        await until(lambda: broker.refused > 1)
        broker.sever(one.lane.queue("process"))
        await until(lambda: broker.refused > 4)
        away = False
        await ended_well(one)
        assert one.calls["process"] == 1


async def test_delivery_is_renewed_before_the_broker_loses_patience(tmp_path: Path) -> None:
    async with flow(tmp_path, delivery_renew_seconds=0.05) as one:
        assert isinstance(one.broker, UnreliableBroker)
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        await until(lambda: len(attempts_published(one, "process")) >= 2)
        assert set(attempts_published(one, "process")) == {1}
        one.broker.sever(one.lane.queue("process"))  # nothing is lost with the connection now
        gate.opened.set()
        await ended_well(one)
        assert one.calls["process"] == 1


async def test_delivery_that_cannot_be_renewed_now_is_renewed_later(tmp_path: Path) -> None:
    async with flow(tmp_path, delivery_renew_seconds=0.05) as one:
        assert isinstance(one.broker, UnreliableBroker)
        broker = one.broker
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        broker.refuses = lambda _: broker.refused < 3
        await until(lambda: len(attempts_published(one, "process")) >= 1)
        gate.opened.set()
        await ended_well(one)
        assert one.calls["process"] == 1


async def test_attempts_are_counted_once_however_often_their_deliveries_are_renewed(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path, delivery_renew_seconds=0.05) as one:

        async def long_and_in_vain(job: Any, work: Any) -> None:
            renewed = len(attempts_published(one, "process"))
            await until(lambda: len(attempts_published(one, "process")) > renewed + 1)
            raise SourceUnavailable("away")

        one.before["process"] = long_and_in_vain
        await one.submit()
        end = await one.end_of()
        await one.quiet()
        assert one.calls["process"] == end["error"]["attempts"] == 3
        assert len(one.about("job", {"failed"})) <= 2
        assert one.left() == []


async def test_attempts_are_counted_once_however_often_their_deliveries_are_lost(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path) as one:

        async def in_vain(job: Any, work: Any) -> None:
            assert isinstance(one.broker, UnreliableBroker)
            one.broker.sever(one.lane.queue("process"))
            raise SourceUnavailable("away")

        one.before["process"] = in_vain
        await one.submit()
        end = await one.end_of()
        await one.quiet()
        assert one.calls["process"] == end["error"]["attempts"] == 3
        assert one.left() == []


async def test_what_waits_for_a_slot_too_long_waits_in_the_broker_instead(tmp_path: Path) -> None:
    async with flow(tmp_path, concurrency=1, delivery_renew_seconds=0.05) as one:
        gate = one.before["process"] = Gate()
        for number in range(4):
            await one.submit(f"job-{number}")
        await soon(gate.entered.wait())
        await until(lambda: len(attempts_published(one, "process")) > 40)
        # The one that works, and the one that took its place at the broker.
        assert one.consumers["process"].busy <= 2
        gate.opened.set()
        for number in range(4):
            await ended_well(one, f"job-{number}")
        assert one.calls["process"] == 4


async def test_delivery_that_ends_while_it_is_renewed_is_settled_once(tmp_path: Path) -> None:
    """RabbitMQ closes the channel at a second acknowledgement, and all in hand is lost."""
    acknowledged: Counter[str] = Counter()

    class Slow(UnreliableBroker):
        renewing = asyncio.Event()

        async def publish(
            self, message: Message, routing_key: str, exchange: str = "", *, wanted: bool = True
        ) -> None:
            if exchange.endswith(".retry.short"):
                self.renewing.set()
                await asyncio.sleep(0.1)
            await super().publish(message, routing_key, exchange, wanted=wanted)

        async def subscribe(self, queue: str, prefetch: int, receive: Any) -> Any:
            def counting(delivery: Any) -> None:
                settle = delivery.ack

                async def ack() -> None:
                    acknowledged[f"{queue} {id(delivery)}"] += 1
                    await settle()

                delivery.ack = ack
                kept.append(delivery)
                receive(delivery)

            return await super().subscribe(queue, prefetch, counting)

    kept: list[Any] = []
    broker = Slow()
    async with flow(tmp_path, broker, delivery_renew_seconds=0.05) as one:
        gate = one.before["process"] = Gate()
        await one.submit()
        await soon(gate.entered.wait())
        await soon(broker.renewing.wait())
        gate.opened.set()
        await one.end_of()
        await until(lambda: attempts_published(one, "process") != [])
        await ended_well(one)
        assert one.calls["process"] == 1
        assert set(acknowledged.values()) == {1}
    await broker.close()


async def test_work_that_was_renewed_and_dies_is_done_anew(tmp_path: Path) -> None:
    async with flow(
        tmp_path,
        start=("download", "upload", "cleanup"),
        delivery_renew_seconds=0.05,
        drain_seconds=0,
    ) as one:
        gate = one.before["process"] = Gate()
        await one.submit()
        worker = one.consumer("process")
        await worker.start()
        await soon(gate.entered.wait())
        await until(lambda: len(attempts_published(one, "process")) >= 1)
        await worker.stop()
        gate.opened.set()
        await one.consumers["process"].start()
        await ended_well(one)
        assert one.calls["process"] == 2
        await one.consumers["process"].stop()
