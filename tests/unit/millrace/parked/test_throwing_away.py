"""Parked messages are thrown away."""

import pytest

from millrace.parked import Selection, looking
from shared.errors import BrokerUnavailable
from tests.flow import Flow, UnreliableBroker
from tests.unit.millrace.parked.dead import ids, park


async def test_what_the_broker_took_back_is_not_thrown_away(one: Flow) -> None:
    assert isinstance(one.broker, UnreliableBroker)
    await park(one, 1)
    async with looking(one.broker, one.lane, Selection()) as found:
        (held,) = [held async for held in found]
        one.broker.sever(one.lane.dead)
        with pytest.raises(BrokerUnavailable):
            await held.throw_away()
    assert await ids(one) == ["job-0"]


async def test_what_is_thrown_away_is_gone(one: Flow) -> None:
    await park(one, 2)
    async with looking(one.broker, one.lane, Selection(limit=1)) as found:
        for held in [held async for held in found]:
            await held.throw_away()
    assert await ids(one) == ["job-1"]
