"""One lane with all four consumers in this process: tiny stages, and the real cleanup."""

import asyncio
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.cleanup.park import Parking
from services.cleanup.stage import Cleanup
from services.cleanup.sweep import Sweep
from shared.broker.base import DEFAULT_EXCHANGE, Broker, Delivery, Message
from shared.broker.memory import MemoryBroker
from shared.broker.topology import QUEUE_OF_STAGE, Lane
from shared.consumer import Consumer
from shared.errors import BrokerUnavailable
from shared.jobs import (
    CleanupJob,
    DownloadJob,
    Original,
    Output,
    ProcessingJob,
    Result,
    Stage,
    UploadJob,
)
from shared.manifest import Manifest
from shared.observe.metrics import Metrics
from shared.settings import DeliverySettings
from shared.storage.memory import MemoryStorage
from shared.work import Work
from shared.workspace import Workspace
from tests.waiting import until

DELAYS = {"short": 0.05, "middle": 0.1, "long": 0.2}
CONTENT = b"the original"
TERMINAL = {"completed", "failed", "cancelled", "expired", "rejected"}

Before = Callable[[Any, Any], Awaitable[None]]


async def nothing(job: Any, work: Any) -> None:
    """What a stage does before its own work, unless a test says otherwise."""


# ── tiny stages ──────────────────────────────────────────────────────────────────────────────


async def download(job: DownloadJob, work: Work) -> ProcessingJob:
    path = work.directory / "original"
    path.write_bytes(CONTENT)
    work.spent.downloaded_bytes += len(CONTENT)
    original = Original(
        path=work.relative(path),
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        media_type="image/jpeg",
        ext="jpg",
        kind="image",
    )
    return ProcessingJob(
        job_id=job.job_id,
        run=job.run,
        volume=work.volume,
        request=job.request,
        original=original,
        manifest=Manifest().with_files(original.tracked),
    )


@dataclass
class Copying:
    """Makes copies of the original."""

    outputs: int = 1

    async def __call__(self, job: ProcessingJob, work: Work) -> UploadJob:
        content = work.locate(job.original.path).read_bytes()
        made = [self._copy(number, content, work) for number in range(self.outputs)]
        return UploadJob(
            job_id=job.job_id,
            run=job.run,
            volume=job.volume,
            request=job.request,
            original=job.original,
            outputs=tuple(made),
            manifest=job.manifest.with_files(*(one.tracked for one in made)),
            costs=job.costs,
        )

    def _copy(self, number: int, content: bytes, work: Work) -> Output:
        path = work.directory / f"copy-{number}.jpg"
        path.write_bytes(content)
        return Output(
            name=f"copy-{number}",
            ext="jpg",
            path=work.relative(path),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            media_type="image/jpeg",
        )


@dataclass
class Storing:
    """Stores each output as `<job>/<name>.jpg`."""

    storage: MemoryStorage

    async def __call__(self, job: UploadJob, work: Work) -> CleanupJob:
        results = [await self._store(job, output, work) for output in job.outputs]
        return CleanupJob(
            job_id=job.job_id,
            run=job.run,
            volume=job.volume,
            request=job.request,
            manifest=job.manifest,
            costs=job.costs,
            outcome="completed",
            results=tuple(results),
        )

    async def _store(self, job: UploadJob, output: Output, work: Work) -> Result:
        key = f"{job.job_id}/{output.name}.jpg"
        work.locate(output.path)
        with work.opened(output.path) as path:
            await self.storage.put(
                key,
                path,
                media_type=output.media_type,
                sha256=output.sha256,
                owner=work.owner,
                journal=work.journal,
                overwrite=job.request.overwrite,
            )
        work.spent.uploaded_bytes += output.size
        return Result(
            name=output.name,
            key=key,
            url=self.storage.url(key),
            media_type=output.media_type,
            size=output.size,
            sha256=output.sha256,
        )


# ── the lane ─────────────────────────────────────────────────────────────────────────────────


class UnreliableBroker(MemoryBroker):
    """A MemoryBroker that notes what is published, and can refuse it.

    Attributes:
        refuses: whether a message for a routing key is not confirmed just now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refuses: Callable[[str], bool] = lambda _: False
        self.refused = 0
        self.published: list[tuple[Message, str, str]] = []

    async def publish(
        self,
        message: Message,
        routing_key: str,
        exchange: str = DEFAULT_EXCHANGE,
        *,
        wanted: bool = True,
    ) -> None:
        if self.refuses(routing_key):
            self.refused += 1
            raise BrokerUnavailable("refused for a test")
        self.published.append((message, routing_key, exchange))
        await super().publish(message, routing_key, exchange, wanted=wanted)


@dataclass
class Flow:
    """Four consumers on one broker and one work directory.

    Attributes:
        before: what a stage does before its own work; may raise, or wait.
        calls: how often each stage was called.
        events: every update so far, oldest first.
    """

    workspace: Workspace
    broker: Broker
    lane: Lane
    storage: MemoryStorage
    settings: DeliverySettings
    concurrency: int
    before: dict[Stage, Before] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    events: list[dict[str, Any]] = field(default_factory=list)
    consumers: dict[Stage, Consumer] = field(default_factory=dict)
    metrics: dict[Stage, Metrics] = field(default_factory=dict)
    stages: dict[Stage, Callable[[Any, Any], Awaitable[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sweep = Sweep(self.workspace, self.storage, self.broker, self.lane)
        parking = Parking(self.broker, self.lane)
        self.stages = {
            "download": download,
            "process": Copying(),
            "upload": Storing(self.storage),
            "cleanup": Cleanup(self.storage, parking, sweep),
        }
        for stage in QUEUE_OF_STAGE:
            self.consumers[stage] = self.consumer(stage)

    def consumer(self, stage: Stage) -> Consumer:
        """A consumer for `stage`, not yet started."""
        self.metrics[stage] = Metrics()
        return Consumer(
            stage,
            lambda job, work: self._call(stage, job, work),
            self.workspace,
            self.broker,
            self.lane,
            self.settings,
            concurrency=self.concurrency,
            metrics=self.metrics[stage],
        )

    async def _call(self, stage: Stage, job: Any, work: Any) -> Any:
        self.calls[stage] += 1
        await self.before.get(stage, nothing)(job, work)
        return await self.stages[stage](job, work)

    # ── what users do ────────────────────────────────────────────────────────────────────

    async def submit(
        self, job_id: str = "job", headers: Mapping[str, Any] | None = None, **fields: Any
    ) -> None:
        body = {"jobId": job_id, "source": "https://example.com/a.jpg", **fields}
        await self.send(body, headers=headers or {})

    async def cancel(self, job_id: str = "job") -> None:
        await self.send({"jobId": job_id, "outcome": "cancelled"}, "cleanup")

    async def send(
        self, body: Mapping[str, Any] | bytes, stage: Stage = "download", **properties: Any
    ) -> None:
        """Publish a message by hand."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.broker.publish(Message(body=content, **properties), self.lane.queue(stage))

    async def end_of(self, job_id: str = "job") -> dict[str, Any]:
        """The data of the job's terminal event."""
        return (await self.event(job_id, TERMINAL))["data"]  # type: ignore[no-any-return]

    async def event(self, job_id: str, kinds: set[str]) -> dict[str, Any]:
        """The first event of one of these kinds about the job."""
        await until(lambda: bool(self.about(job_id, kinds)), f"{kinds} of {job_id}")
        return self.about(job_id, kinds)[0]

    def about(self, job_id: str, kinds: set[str]) -> list[dict[str, Any]]:
        return [
            event
            for event in self.events
            if event["subject"] == job_id and event["type"].rpartition(".")[2] in kinds
        ]

    # ── what is left ─────────────────────────────────────────────────────────────────────

    @property
    def busy(self) -> int:
        return sum(consumer.busy for consumer in self.consumers.values())

    async def quiet(self) -> None:
        """Return once no message of a job is anywhere: not in a queue, not in hand."""
        queues = [self.lane.queue(stage) for stage in QUEUE_OF_STAGE]
        queues += [self.lane.retry(delay) for delay in self.lane.retry_delays]

        empty = 0

        async def quiet() -> bool:
            # A message on its way from queue to consumer is in neither for a moment.
            nonlocal empty
            waiting = [queue for queue in queues if await self.broker.depth(queue)]
            empty = 0 if waiting or self.busy else empty + 1
            return empty == 5

        await until(quiet, "no message is anywhere")

    def left(self) -> list[str]:
        """What is left in the work directory of any job."""
        root = self.workspace.root
        return [path.name for folder in ("jobs", "trash") for path in (root / folder).iterdir()]

    async def parked(self, count: int = 1) -> list[Message]:
        """The messages in the dead queue, taken out."""
        found: list[Delivery] = []
        subscription = await self.broker.subscribe(self.lane.dead, 100, found.append)
        await until(lambda: len(found) >= count, f"{count} parked")
        for delivery in found:
            await delivery.ack()
        await subscription.cancel()
        return [delivery.message for delivery in found]

    async def keys(self) -> list[str]:
        return [stored.key async for stored in self.storage.list()]


@asynccontextmanager
async def flow(
    root: Path,
    broker: Broker | None = None,
    lane: Lane | None = None,
    *,
    storage: MemoryStorage | None = None,
    start: tuple[Stage, ...] = ("download", "process", "upload", "cleanup"),
    concurrency: int = 4,
    **settings: Any,
) -> AsyncIterator[Flow]:
    """A running flow; `settings` are fields of `DeliverySettings`."""
    workspace = Workspace(root)
    workspace.open()
    own = broker or UnreliableBroker()
    lane = lane or Lane(f"test-{secrets.token_hex(4)}", DELAYS)
    await own.declare(lane.topology)
    delivery = DeliverySettings(**{"max_attempts": 3, "drain_seconds": 5, **settings})
    one = Flow(workspace, own, lane, storage or MemoryStorage(), delivery, concurrency)
    listening = asyncio.Event()
    watching = asyncio.create_task(_watch(one, listening))
    await listening.wait()
    for stage in start:
        await one.consumers[stage].start()
    try:
        yield one
    finally:
        for stage in start:
            await one.consumers[stage].stop()
        watching.cancel()
        await asyncio.wait([watching])
        if broker is None:
            await own.close()


async def _watch(one: Flow, listening: asyncio.Event) -> None:
    while True:
        with suppress(BrokerUnavailable):
            async with one.broker.listen(one.lane.events, "#") as messages:
                listening.set()
                async for message in messages:
                    one.events.append(json.loads(message.body))
        await asyncio.sleep(0.05)
