"""The users' side: sends what they ask for, and reads every terminal event."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from shared.broker.base import Broker, Delivery, Message
from shared.broker.topology import Queue, Topology
from shared.errors import BrokerUnavailable
from shared.jobs import directory_name
from tests.soak.ledger import Ledger
from tests.soak.orders import Letter, Order
from tests.soak.places import Places

EVENTS = "soak.events"
_TERMINAL = frozenset({"completed", "failed", "cancelled", "expired"})
_LOOK_AGAIN_SECONDS = 10.0


@dataclass(frozen=True)
class Lot:
    """One lane: what was asked of it, and where it keeps things."""

    ledger: Ledger
    places: Places


@dataclass
class Post:
    """Sends orders to the lanes, and takes the events of all of them.

    Attributes:
        faults: what was wrong at the moment of a terminal event, and stayed so.
        moments: what was there at that moment, and gone shortly after.
        sent: messages that the broker confirmed.
    """

    broker: Broker
    lots: Sequence[Lot]
    faults: list[str] = field(default_factory=list)
    moments: list[str] = field(default_factory=list)
    sent: int = 0
    unconfirmed: int = 0
    events: Counter[str] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Declare the lanes, and a queue that keeps each event until it is looked at."""
        lanes = [lot.ledger.lane for lot in self.lots]
        for lane in lanes:
            await self.broker.declare(lane.topology)
        for outcome in (*_TERMINAL, "rejected"):
            bindings = {lane.events: f"*.{outcome}" for lane in lanes}
            queue = Queue(EVENTS, {"x-queue-type": "quorum"}, bindings)
            await self.broker.declare(Topology((), (queue,)))
        await self.broker.subscribe(EVENTS, 100, self._receive)

    # ── sending ──────────────────────────────────────────────────────────────────────────

    async def feed(
        self, orders: Iterator[tuple[Order, Lot]], rate: float, most_open: int, seconds: float
    ) -> None:
        """Send orders for some time: at most `rate` a second, so many open at a time."""
        began, room = time.monotonic(), asyncio.Semaphore(most_open)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for number, (order, lot) in enumerate(orders, 1):
                    await room.acquire()
                    await asyncio.sleep(began + number / rate - time.monotonic())
                    self._do(self._order(order, lot, room))

    async def _order(self, order: Order, lot: Lot, room: asyncio.Semaphore) -> None:
        runs = lot.ledger.accept(order)
        for letter in order.letters:
            if letter.once_ended:
                await runs[0].ended.wait()
            await asyncio.sleep(letter.after)
            await self._send(letter, lot)
        for run in runs:
            await run.ended.wait()
        room.release()

    async def _send(self, letter: Letter, lot: Lot) -> None:
        """Once it is confirmed it is accepted; till then it is sent again."""
        message = Message(body=letter.body, message_id=letter.message_id)
        while True:
            try:
                await self.broker.publish(message, lot.ledger.lane.queue(letter.stage))
            except BrokerUnavailable:
                self.unconfirmed += 1
                await asyncio.sleep(0.5)
            else:
                self.sent += 1
                return

    # ── receiving ────────────────────────────────────────────────────────────────────────

    def _receive(self, delivery: Delivery) -> None:
        self._do(self._read(delivery))

    async def _read(self, delivery: Delivery) -> None:
        event = json.loads(delivery.message.body)
        kind = event["type"].rpartition(".")[2]
        self.events[kind] += 1
        lot = next(one for one in self.lots if f"/{one.ledger.lane.prefix}/" in event["source"])
        if kind == "rejected":
            lot.ledger.reject(event)
        elif kind in _TERMINAL:
            await self._ended(event, lot)
        await delivery.ack()

    async def _ended(self, event: dict[str, Any], lot: Lot) -> None:
        data = event["data"]
        run = lot.ledger.run_of(data)
        if run is None:
            lot.ledger.unknown.append(event["id"])
            return
        first = not run.told
        run.tell(event["id"], data)
        if first:
            await self._inspect(run.name, data, lot)
            run.ended.set()

    async def _inspect(self, name: str, data: dict[str, Any], lot: Lot) -> None:
        """Look at the disk and the storage now; what is wrong must be so for a moment only."""
        job = directory_name(data["jobId"])
        misplaced = await lot.places.misplaced(name, job, data["results"])
        if not misplaced:
            return
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        again = await lot.places.misplaced(name, job, data["results"])
        self.moments += [f"{name}: {fault}" for fault in misplaced if fault not in again]
        self.faults += [f"{name}: at its terminal event {fault}" for fault in again]

    # ── both ─────────────────────────────────────────────────────────────────────────────

    def _do(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def open_orders(self) -> int:
        """Orders and events that are being seen to."""
        return len(self._tasks)

    async def close(self) -> None:
        """Give up what has not ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
