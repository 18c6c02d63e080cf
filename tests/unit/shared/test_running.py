"""Which deliveries need another message in their place."""

import asyncio
import dataclasses
from typing import Any, cast

from shared.running import Running, due_for_renewal
from shared.settings import DeliverySettings

SETTINGS = DeliverySettings(delivery_renew_seconds=20)


class Acknowledged:
    """A delivery that counts how often it was settled."""

    def __init__(self) -> None:
        self.times = 0
        self.lost = asyncio.get_running_loop().create_future()

    async def ack(self) -> None:
        self.times += 1


def running_for(seconds: float) -> Running:
    current = cast("asyncio.Task[None]", asyncio.current_task())
    one = Running(cast(Any, Acknowledged()), current)
    return dataclasses.replace(one, received=one.received - seconds)


async def test_old_delivery_is_renewed_and_a_young_one_is_not() -> None:
    old, young = running_for(21), running_for(19)
    assert due_for_renewal([young, old], SETTINGS) == [old]


async def test_delivery_is_renewed_once() -> None:
    """A second copy beside the first would be two jobs' worth of messages, then four."""
    old = running_for(21)
    await old.settle()
    assert due_for_renewal([old], SETTINGS) == []


async def test_delivery_that_is_being_renewed_is_left_alone() -> None:
    old = running_for(21)
    old.renewal = old.work
    assert due_for_renewal([old], SETTINGS) == []


async def test_delivery_is_settled_once() -> None:
    """At a second time RabbitMQ closes the channel."""
    one = running_for(0)
    await one.settle()
    await one.settle()
    assert cast(Acknowledged, one.delivery).times == 1


async def test_delivery_whose_copy_is_at_the_broker_is_replaced() -> None:
    """What would follow from it follows from the copy; both would be two messages for one."""
    one = running_for(0)
    assert not await one.replaced()
    one.renewed = True
    assert await one.replaced()


async def test_delivery_that_the_broker_took_back_is_replaced() -> None:
    one = running_for(0)
    one.delivery.lost.set_result(None)
    assert await one.replaced()


async def test_renewal_under_way_is_waited_for() -> None:
    one = running_for(0)

    async def renew() -> None:
        await asyncio.sleep(0)
        one.renewed = True

    one.renewal = asyncio.create_task(renew())
    assert await one.replaced()
