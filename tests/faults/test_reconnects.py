"""A connection that breaks some times; `make reconnects` does it a thousand times."""

import pytest

from tests.faults.reconnects import reconnect


@pytest.mark.integration
async def test_consumer_and_messages_come_back_each_time(amqp_url: str) -> None:
    tally = await reconnect(amqp_url, times=20, seed=1)
    assert tally.carried >= 20
    assert len(tally.broken) == 4
