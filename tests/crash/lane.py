"""One lane on a real RabbitMQ: a stage that dies at every point, and the others around it."""

import asyncio
import json
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from millrace.settings import read
from millrace.wiring import STAGES, Backends, Wired, standing_on, wired
from services.cleanup.sweep import Sweep
from shared.broker.base import DEFAULT_EXCHANGE, Message
from shared.broker.rabbitmq import RabbitMQ
from shared.broker.topology import Lane
from shared.jobs import Stage
from tests.contract.brokers import delete
from tests.crash.invariants import Event, Site, faults
from tests.crash.nursery import Worker
from tests.crash.points import Point
from tests.crash.rounds import Kind, Round, Scenario, Undisturbed
from tests.crash.worker import DELAYS, Order, settings_of
from tests.waiting import until

Start = Callable[[Order], Worker]
QUIET_SECONDS = 0.25
SWEEP_SECONDS = 0.02


class Doubling(RabbitMQ):
    """Publishes twice what goes to one queue, when asked to."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "crash test", confirm_seconds=10)
        self.doubled = ""

    async def publish(
        self,
        message: Message,
        routing_key: str,
        exchange: str = DEFAULT_EXCHANGE,
        *,
        wanted: bool = True,
    ) -> None:
        await super().publish(message, routing_key, exchange, wanted=wanted)
        if exchange == DEFAULT_EXCHANGE and routing_key == self.doubled:
            await super().publish(message, routing_key, exchange, wanted=wanted)


class Rig:
    """A lane whose stage `stage` runs in workers, and all others in this process.

    Args:
        start: makes a worker.

    Attributes:
        all_points: those of the undisturbed worker, its stopping included.
    """

    def __init__(
        self, stage: Stage, url: str, folder: Path, broker: Doubling, on: Backends, start: Start
    ) -> None:
        self.stage = stage
        self._url = url
        self._folder = folder
        self._broker = broker
        self._on = on
        self._start_worker = start
        self._others: list[Wired] = []
        self.all_points: list[Point] = []
        self._events: defaultdict[str, list[Event]] = defaultdict(list)
        self.site = Site(folder / "work" / on.lane.prefix, folder / "uploads")

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, stage: Stage, url: str, folder: Path, start: Start
    ) -> AsyncIterator[Self]:
        """The lane with queues of its own, which are gone at the end."""
        lane = Lane(f"test-{uuid4().hex[:8]}", DELAYS)
        reader = partial(read, **settings_of(folder / "work", folder / "uploads"))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(delete, url, lane.topology)
            broker = Doubling(url)
            on = await stack.enter_async_context(standing_on(broker, lane, reader))
            await broker.declare(lane.topology)
            rig = cls(stage, url, folder, broker, on, start)
            events = await stack.enter_async_context(broker.listen(lane.events, "#"))
            listening = asyncio.create_task(rig._listen(events))
            stack.callback(listening.cancel)
            for other in STAGES:
                if other != stage:
                    one = await stack.enter_async_context(wired(other, on))
                    await one.consumer.start()
                    stack.push_async_callback(one.consumer.stop)
                    rig._others.append(one)
            yield rig

    async def _listen(self, events: AsyncIterator[Message]) -> None:
        async for message in events:
            job = json.loads(message.body)["subject"]
            if event := self.site.witness(message.body, job):
                self._events[job].append(event)

    # ── one round ────────────────────────────────────────────────────────────────────────

    async def undisturbed(self, kind: Kind, *, looks: bool = False) -> Undisturbed:
        """Run one job through, and look at how it ends."""
        job = f"{kind.name}-undisturbed"
        self._occupy(kind, job)
        worker = self._start(0, looks=looks, one_by_one=True)
        await self._submit(kind, job)
        await self._ended(job)
        await self._quiet(worker)
        points = worker.points
        await self._settle(worker)
        self.all_points = worker.points
        stored = {name.partition("/")[2]: sha for name, sha in self.site.stored_of(job).items()}
        wrong = faults(self._events[job], self.site, job, (kind.outcome,), stored)
        wrong += await self._parked(job)
        assert not wrong, wrong
        return Undisturbed(stored, points)

    async def round(
        self,
        kind: Kind,
        number: int,
        scenario: Scenario,
        results: dict[str, str],
        *,
        looks: bool = False,
    ) -> Round:
        """Run one job; kill the stage at the point with this number; start it again; look."""
        job = f"{kind.name}-{scenario}-{number}"
        self._occupy(kind, job)
        doubled = scenario.startswith(("duplicate", "pair"))
        self._broker.doubled = self._on.lane.queue(self.stage) if doubled else ""
        worker = self._start(number, looks=looks, one_by_one=True)
        async with self._beside(scenario):
            await self._submit(kind, job)
            await self._dead_or_done(worker, job)
            self._broker.doubled = ""
            if scenario in ("cancel", "abandoned", "pair-cancel"):
                await self._cancel(job)
            if scenario.startswith("pair"):
                await self._ended(job)
        if scenario == "abandoned":
            await self._ended(job)
        if not worker.dead:
            await self._quiet(worker)
        point = worker.killed_at
        if worker.dead:
            assert point is not None, f"{job}: a worker ended by itself"
            worker = self._start(0)
        await self._ended(job)
        await self._settle(worker)
        cancelled = {"cancelled"} if "cancel" in scenario or scenario == "abandoned" else set()
        outcomes = {kind.outcome, *cancelled}
        wrong = faults(self._events[job], self.site, job, outcomes, results)
        wrong += await self._parked(job)
        self._forget(job)
        return Round(number, scenario, point, wrong)

    @asynccontextmanager
    async def _beside(self, scenario: Scenario) -> AsyncIterator[None]:
        """Who else is at work: a second service of the stage, or sweeps."""
        if scenario.startswith("pair"):
            second = self._start(0, log="second")
            yield
            await second.stop()
        elif scenario == "sweep":
            sweeping = asyncio.create_task(self._sweep())
            yield
            sweeping.cancel()
            await asyncio.wait([sweeping])
        else:
            yield

    async def _sweep(self) -> None:
        """Sweep again and again, with the grace that is the default."""
        on = self._on
        while True:
            await Sweep(on.workspace, on.storage, on.broker, on.lane).run()
            await asyncio.sleep(SWEEP_SECONDS)

    def _start(
        self, last: int, *, looks: bool = False, one_by_one: bool = False, log: str = "points"
    ) -> Worker:
        order = Order(
            self.stage,
            self._url,
            self._on.lane.prefix,
            str(self._folder / "work"),
            str(self._folder / "uploads"),
            str(self._folder / log),
            last,
            looks,
            # With several at once a duplicate would not wait.
            {f"{self.stage}_concurrency": 1} if one_by_one else {},
        )
        return self._start_worker(order)

    def _forget(self, job: str) -> None:
        """Remove what a job may leave, so that no later round has more to look at."""
        shutil.rmtree(self.site.uploads / job, ignore_errors=True)
        for name in self.site.receipts_of(job):
            (self.site.work / "closed" / name).unlink()

    def _occupy(self, kind: Kind, job: str) -> None:
        """Put other objects where the job's are going to be."""
        for name in kind.taken:
            (self.site.uploads / job).mkdir(parents=True, exist_ok=True)
            (self.site.uploads / job / name).write_bytes(b"another's")

    async def _submit(self, kind: Kind, job: str) -> None:
        message = Message(kind.body(job), message_id=job)
        await self._broker.publish(message, self._on.lane.queue("download"))

    async def _cancel(self, job: str) -> None:
        body = json.dumps({"jobId": job, "outcome": "cancelled"}).encode()
        await self._broker.publish(Message(body), self._on.lane.queue("cleanup"))

    async def _dead_or_done(self, worker: Worker, job: str) -> None:
        await until(lambda: worker.dead or bool(self._events[job]), f"{job}: death or end")
        await self._quiet(worker)

    async def _ended(self, job: str) -> None:
        await until(lambda: bool(self._events[job]), f"the end of {job}")

    async def _quiet(self, worker: Worker) -> None:
        """Return when the worker is dead, or passes no more points."""
        log, size, since = Path(worker.order.log), -1, 0.0
        while not worker.dead and since < QUIET_SECONDS:
            since = since + 0.02 if log.stat().st_size == size else 0.0
            size = log.stat().st_size
            await asyncio.sleep(0.02)

    async def _settle(self, worker: Worker) -> None:
        """Return when nothing is on its way any more, and no worker lives."""
        await until(self._idle, "all queues empty")
        await worker.stop()
        while not await self._idle():
            worker = self._start(0)
            await until(self._idle, "all queues empty")
            await worker.stop()

    async def _idle(self) -> bool:
        if any(one.consumer.busy for one in self._others):
            return False
        lane = self._on.lane
        queues = [lane.queue(stage) for stage in STAGES] + [lane.retry(delay) for delay in DELAYS]
        return not any(await asyncio.gather(*map(self._broker.depth, queues)))

    async def _parked(self, job: str) -> list[str]:
        """What is wrong with the dead queue, which is empty afterwards."""
        inbox: list[Any] = []
        count = await self._broker.depth(self._on.lane.dead)
        if count:
            subscription = await self._broker.subscribe(self._on.lane.dead, count, inbox.append)
            await until(lambda: len(inbox) >= count, "the parked messages")
            for delivery in inbox:
                await delivery.ack()
            await subscription.cancel()
        failed = bool(self._events[job]) and self._events[job][0].outcome == "failed"
        ids = {delivery.message.message_id for delivery in inbox}
        if len(ids) != int(failed):
            return [f"parked: {sorted(map(str, ids))}"]
        return []
