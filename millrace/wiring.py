"""Where implementations are chosen, and nowhere else: settings → broker, storage, workspace."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_settings import BaseSettings

from millrace.settings import BadSetting, Reader, read
from shared.broker.base import Broker
from shared.broker.topology import Lane
from shared.consumer import Consumer, StageFunction
from shared.errors import StorageUnavailable
from shared.jobs import Stage
from shared.observe.metrics import Metrics
from shared.settings import (
    BrokerSettings,
    DeliverySettings,
    ServiceSettings,
    WorkspaceSettings,
)
from shared.storage.base import Storage
from shared.storage.settings import StorageSettings
from shared.workspace import Workspace

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    # Commands that serve nothing need no HTTP server, which takes long to import.
    from shared.observe.health import Check

STAGES: tuple[Stage, ...] = ("download", "process", "upload", "cleanup")
# Names that resolve slowly and copies of large files hold a thread each, for long; whoever
# writes a chunk or asks /health must still find one. They cost nothing while they wait.
_THREADS = 64


@dataclass(frozen=True)
class Backends:
    """What the stages of one lane stand on.

    Attributes:
        read: where the stages' settings come from.
        open_bucket: the storage of an S3 bucket, to read sources from.
        buckets: those that sources may be read from in any case: the storage's own.
    """

    read: Reader

    broker: Broker
    lane: Lane
    workspace: Workspace
    storage: Storage
    open_bucket: Callable[[str], Storage]
    buckets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Running:
    """A stage that is ready to take deliveries.

    Attributes:
        checks: what can be wrong with it, for `/health`.
        hold: says why no deliveries should be taken for now, where that is so.
        details: what it is made of, for `/info`.
        collectors: what it counts itself, for `/metrics`.
    """

    function: StageFunction
    concurrency: int
    health_port: int
    checks: "tuple[Check, ...]" = ()
    hold: "Check" = lambda: None
    details: dict[str, Any] = field(default_factory=dict)
    collectors: "tuple[Collector, ...]" = ()


# ── backends ─────────────────────────────────────────────────────────────────────────────────


def workspace_of(settings: WorkspaceSettings, lane: Lane) -> Workspace:
    """The lane's work directory, whether it is there or not."""
    return Workspace(
        settings.temp_dir / lane.prefix,
        ttl_hours=settings.job_ttl_hours,
        floor_bytes=settings.disk_floor_bytes,
        room_factor=settings.disk_room_factor,
    )


def open_workspace(settings: WorkspaceSettings, lane: Lane) -> Workspace:
    """The lane's work directory, made where it is missing.

    Raises:
        BadSetting: it cannot be made or written.
    """
    workspace = workspace_of(settings, lane)
    try:
        workspace.open()
    except OSError as error:
        where = f"{settings.temp_dir} cannot be used: {error.strerror}"
        raise BadSetting(f"TEMP_DIR: {where}") from None
    return workspace


def open_storage(settings: StorageSettings) -> Storage:
    """The storage that `STORAGE_MODE` names."""
    if settings.storage_mode == "local":
        from shared.storage.filesystem import FilesystemStorage

        return FilesystemStorage(settings.upload_path, settings.public_url)
    return open_bucket(settings, None)


def open_bucket(settings: StorageSettings, bucket: str | None) -> Storage:
    """An S3 bucket: the storage's own, or another to read sources from."""
    from shared.storage.s3 import S3Storage

    return S3Storage.opened(settings, bucket)


def open_broker(settings: BrokerSettings, name: str) -> Broker:
    """The broker that `AMQP_URL` names."""
    from shared.broker.rabbitmq import RabbitMQ

    return RabbitMQ(settings.amqp_url, name, confirm_seconds=settings.confirm_seconds)


@asynccontextmanager
async def backends(name: str) -> AsyncIterator[Backends]:
    """What the environment's settings name, open until the block ends."""
    settings = read(BrokerSettings)
    broker = open_broker(settings, name)
    async with standing_on(broker, Lane(settings.queue_prefix), read) as on:
        yield on


@asynccontextmanager
async def standing_on(broker: Broker, lane: Lane, read: Reader) -> AsyncIterator[Backends]:
    """`broker`, with the work directory and the storage that the settings name."""
    settings = read(StorageSettings)
    workspace = open_workspace(read(WorkspaceSettings), lane)
    storage = open_storage(settings)
    own = () if settings.storage_mode == "local" else (settings.bucket.name,)
    try:
        yield Backends(
            read,
            broker,
            lane,
            workspace,
            storage,
            lambda bucket: open_bucket(settings, bucket),
            own,
        )
    finally:
        await broker.close()
        # What cannot be reached has nothing to be closed, and must not hide how the work ended.
        with suppress(StorageUnavailable):
            await storage.close()


# ── stages ───────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def _download(on: Backends) -> AsyncIterator[Running]:
    from services.download.high_water import HighWater
    from services.download.settings import DownloadSettings
    from services.download.stage import opened

    settings = on.read(DownloadSettings)
    floor_bytes = on.read(WorkspaceSettings).disk_floor_bytes
    high_water = HighWater(on.workspace.space, settings.disk_high_water_percent, floor_bytes)
    async with opened(settings, on.open_bucket, on.buckets) as stage:
        yield Running(
            stage, settings.download_concurrency, settings.health_port, hold=high_water.reason
        )


@asynccontextmanager
async def _process(on: Backends) -> AsyncIterator[Running]:
    from services.process.image.select import chosen
    from services.process.seccomp import fault
    from services.process.settings import ProcessSettings
    from services.process.stage import opened
    from services.process.video.settings import FilmSettings

    settings = on.read(ProcessSettings)
    taken, reason = chosen(settings.process_engine)
    async with opened(settings, on.read(FilmSettings)) as stage:
        yield Running(
            stage,
            settings.process_concurrency,
            settings.health_port,
            checks=stage.checks,
            details={
                "engine": settings.process_engine,
                "engineTaken": taken,
                "engineReason": reason,
                **({"gpu": stage.gpu.name} if stage.gpu else {}),
                "workers": settings.process_workers,
                "isolation": fault() or "seccomp",
            },
            collectors=stage.gpu.tally.collectors if stage.gpu else (),
        )


@asynccontextmanager
async def _upload(on: Backends) -> AsyncIterator[Running]:
    from services.upload.settings import UploadSettings
    from services.upload.stage import opened

    settings = on.read(UploadSettings)
    async with opened(settings, on.storage) as stage:
        yield Running(stage, settings.upload_concurrency, settings.health_port)


@asynccontextmanager
async def _cleanup(on: Backends) -> AsyncIterator[Running]:
    from services.cleanup.park import Parking
    from services.cleanup.settings import CleanupSettings
    from services.cleanup.stage import opened
    from services.cleanup.sweep import Sweep

    settings = on.read(CleanupSettings)
    sweep = Sweep(on.workspace, on.storage, on.broker, on.lane, settings.orphan_grace_minutes)
    async with opened(settings, on.storage, Parking(on.broker, on.lane), sweep) as stage:
        yield Running(
            stage,
            settings.cleanup_concurrency,
            settings.health_port,
            checks=(sweep.overdue,),
        )


OPENED = {"download": _download, "process": _process, "upload": _upload, "cleanup": _cleanup}


@dataclass(frozen=True)
class Wired:
    """A stage with the consumer that will feed it, once started."""

    running: Running
    consumer: Consumer
    metrics: Metrics


@asynccontextmanager
async def wired(stage: Stage, on: Backends) -> AsyncIterator[Wired]:
    """One stage, ready to be started."""
    async with OPENED[stage](on) as running:
        metrics = Metrics()
        for collector in running.collectors:
            metrics.registry.register(collector)
        consumer = Consumer(
            stage,
            running.function,
            on.workspace,
            on.broker,
            on.lane,
            on.read(DeliverySettings),
            concurrency=running.concurrency,
            metrics=metrics,
        )
        yield Wired(running, consumer, metrics)


# ── the process ──────────────────────────────────────────────────────────────────────────────


def run(main: Any) -> Any:
    """Run a coroutine on the fastest event loop that is there."""
    # libuv looks names up in threads of its own: four, unless it is told before it begins.
    os.environ.setdefault("UV_THREADPOOL_SIZE", str(_THREADS))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.get_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def every_setting() -> tuple[type[BaseSettings], ...]:
    """All kinds of settings, for the table in the docs."""
    from services.cleanup.settings import CleanupSettings
    from services.download.settings import DownloadSettings
    from services.process.settings import ProcessSettings
    from services.process.video.settings import FilmSettings
    from services.upload.settings import UploadSettings

    return (
        BrokerSettings,
        WorkspaceSettings,
        DeliverySettings,
        ServiceSettings,
        StorageSettings,
        DownloadSettings,
        ProcessSettings,
        FilmSettings,
        UploadSettings,
        CleanupSettings,
    )
