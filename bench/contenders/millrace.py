"""Millrace's own delivery, with stages that do nothing.

Leases, manifests, locks, receipts, committed results, confirms and updates are the real ones.

    python -m bench.contenders.millrace STAGE AMQP_URL FOLDER PREFETCH
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from bench.contenders.gate import Finish, Gate
from millrace.wiring import run
from services.cleanup.park import Parking
from services.cleanup.stage import Cleanup
from services.cleanup.sweep import Sweep
from shared.broker.rabbitmq import RabbitMQ
from shared.broker.topology import Lane
from shared.consumer import Consumer, StageFunction
from shared.jobs import (
    CleanupJob,
    DownloadJob,
    JobEnded,
    Original,
    ProcessingJob,
    Stage,
    UploadJob,
)
from shared.manifest import Manifest
from shared.observe.logs import configure_logs
from shared.observe.metrics import Metrics
from shared.settings import DeliverySettings
from shared.storage.memory import MemoryStorage
from shared.work import Work
from shared.workspace import Workspace

LANE = Lane("bench.millrace")


class Counting(Metrics):
    """Metrics that also tell the driver about ended jobs."""

    def __init__(self, finish: Finish) -> None:
        super().__init__()
        self._finish = finish

    def ended(self, end: JobEnded) -> None:
        super().ended(end)
        if end.outcome == "completed":
            self._finish.one_more()


async def download(job: DownloadJob, work: Work) -> ProcessingJob:
    """A file of no bytes."""
    target = work.directory / "original"
    target.touch()
    original = Original(
        path=work.relative(target),
        size=0,
        sha256="0" * 64,
        media_type="image/jpeg",
        ext="jpg",
        kind="image",
    )
    return ProcessingJob(
        job_id=job.job_id,
        run=job.run,
        volume=work.volume,
        request=job.request,
        manifest=Manifest().with_files(original.tracked),
        original=original,
    )


async def process(job: ProcessingJob, work: Work) -> UploadJob:
    """No outputs."""
    work.locate(job.original.path)
    return UploadJob(
        job_id=job.job_id,
        run=job.run,
        volume=job.volume,
        request=job.request,
        manifest=job.manifest,
        costs=job.costs,
        original=job.original,
        outputs=(),
    )


async def upload(job: UploadJob, work: Work) -> CleanupJob:
    """No results."""
    return CleanupJob(
        job_id=job.job_id,
        run=job.run,
        volume=job.volume,
        request=job.request,
        manifest=job.manifest,
        costs=job.costs,
        outcome="completed",
    )


async def main(stage: Stage, url: str, folder: Path, prefetch: int) -> None:
    """Consume until killed."""
    configure_logs("info", "json", service=stage)
    workspace = Workspace(folder / "work")
    workspace.open()
    broker = RabbitMQ(url, stage)
    await broker.declare(LANE.topology)
    storage = MemoryStorage()
    sweep = Sweep(workspace, storage, broker, LANE)
    functions: dict[Stage, StageFunction] = {
        "download": download,
        "process": process,
        "upload": upload,
        "cleanup": Cleanup(storage, Parking(broker, LANE), sweep),
    }
    consumer = Consumer(
        stage,
        functions[stage],
        workspace,
        broker,
        LANE,
        DeliverySettings(),
        concurrency=prefetch,
        metrics=Counting(Finish(folder)),
    )
    gate = Gate(folder)
    gate.ready(stage)
    await gate.opened()
    await consumer.start()
    await asyncio.Event().wait()


def _main(stage: Any, url: str, folder: str, prefetch: str) -> None:
    run(main(stage, url, Path(folder), int(prefetch)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
