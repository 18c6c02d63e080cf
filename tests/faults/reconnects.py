"""A connection that breaks again and again: `python -m tests.faults.reconnects --times 1000`.

Each time the consumer has to come back, and everything that was published has to come through.
"""

import argparse
import asyncio
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.broker.base import Delivery, Message
from shared.broker.rabbitmq import RabbitMQ, RabbitSubscription
from shared.errors import BrokerUnavailable
from shared.observe.logs import configure_logs
from tests.contract.brokers import delete, new_lane
from tests.proxy import Cable, cable
from tests.servers.rabbitmq import rabbitmq
from tests.waiting import until

BATCH = 20


@dataclass
class Tally:
    """What came of it.

    Attributes:
        broken: how often the connection was broken in each way.
        rates: messages a second through the new connection, after each time.
        carried: connections made in all.
    """

    broken: Counter[str] = field(default_factory=Counter)
    rates: list[float] = field(default_factory=list)
    carried: int = 0


class Line:
    """One service that publishes to itself, and counts what comes."""

    def __init__(self, broker: RabbitMQ, queue: str) -> None:
        self._broker = broker
        self._queue = queue
        self._seen: set[bytes] = set()
        self._sent = 0
        self._settling: set[asyncio.Task[None]] = set()

    async def open(self) -> RabbitSubscription:
        return await self._broker.subscribe(self._queue, BATCH, self._receive)

    def _receive(self, delivery: Delivery) -> None:
        self._seen.add(delivery.message.body)
        task = asyncio.ensure_future(delivery.ack())
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def carry(self) -> float:
        """Messages a second, once all of a batch have come through."""
        began, until_now = time.monotonic(), self._sent
        await asyncio.gather(
            *(self._send(number) for number in range(until_now, until_now + BATCH))
        )
        self._sent += BATCH
        await until(lambda: len(self._seen) == self._sent, "every message")
        return BATCH / (time.monotonic() - began)

    async def _send(self, number: int) -> None:
        while True:
            try:
                return await self._broker.publish(Message(body=b"%d" % number), self._queue)
            except BrokerUnavailable:
                await asyncio.sleep(0.05)


async def reconnect(url: str, times: int, seed: int) -> Tally:
    """Break the connection so often; fail where the consumer or a message does not come back."""
    dice, tally, lane = random.Random(seed), Tally(), new_lane()
    async with cable(url) as over:
        broker = RabbitMQ(over.url, "reconnects", confirm_seconds=5)
        try:
            await broker.declare(lane.topology)
            line = Line(broker, lane.queue("download"))
            subscription = await line.open()
            for _ in range(times):
                way = dice.choice([*WAYS])
                tally.broken[way] += 1
                sending = asyncio.create_task(line.carry())
                await asyncio.sleep(dice.uniform(0, 0.02))
                await WAYS[way](over, dice)
                await sending
                await until(lambda: subscription.alive, "the consumer")
                tally.rates.append(await line.carry())
            tally.carried = over.carried
        finally:
            await broker.close()
            await delete(url, lane.topology)
    return tally


async def _cut(over: Cable, _: random.Random) -> None:
    over.cut()


async def _reset(over: Cable, _: random.Random) -> None:
    over.reset()


async def _stall(over: Cable, dice: random.Random) -> None:
    over.stall()
    await asyncio.sleep(dice.uniform(0, 0.2))
    over.cut()
    over.mend()


async def _block(over: Cable, dice: random.Random) -> None:
    over.break_off()
    await asyncio.sleep(dice.uniform(0, 0.2))
    over.mend()


WAYS: dict[str, Callable[[Cable, random.Random], Awaitable[None]]] = {
    "cut": _cut,
    "reset": _reset,
    "stalled, then cut": _stall,
    "cut, and none let through": _block,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make reconnects", description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    configure_logs("error")
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    with rabbitmq() as url:
        tally = asyncio.run(reconnect(url, asked.times, asked.seed))
    for way, count in tally.broken.items():
        print(f"{count:6}  {way}")
    tenth = max(1, asked.times // 10)
    first, last = (
        sorted(rates)[tenth // 2] for rates in (tally.rates[:tenth], tally.rates[-tenth:])
    )
    print(f"messages a second, median of the first tenth {first:.0f}, of the last {last:.0f}")
    print(f"reconnects: {asked.times} times broken, {tally.carried} connections, each came back")
    return 0


if __name__ == "__main__":
    sys.exit(main())
