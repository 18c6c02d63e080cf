"""The whole of Millrace: jobs through RabbitMQ and the four services.

    python -m bench.contenders.pipeline TASK.json

From the first published job to the last `completed` event; RabbitMQ's processor time and that of
the services' children is not counted.
"""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from bench.images_task import Made, Photo, Task, contender, measured
from millrace.events import Event
from shared.broker.rabbitmq import RabbitMQ
from shared.envelope import encode
from shared.jobs import DownloadJob, Operation
from tests.servers.rabbitmq import PrivateRabbitMQ, ensure_installed
from tests.servers.services import Services, services

PATIENCE_SECONDS = 300


def main(task: Task) -> Made:
    """Make all outputs, and move them to where the driver looks for them."""
    ensure_installed()
    settings = {
        "SOURCE_ROOTS": ":".join({str(Path(photo.path).parent) for photo in task.photos}),
        "PROCESS_WORKERS": str(task.cores),
        "PROCESS_CONCURRENCY": str(task.cores),
    }
    with PrivateRabbitMQ() as node, services(node.url, settings) as running:
        made = asyncio.run(_run(task, node.url, running))
        for photo in task.photos:
            shutil.move(running.uploads / photo.name, Path(task.folder, photo.name))
    return made


async def _run(task: Task, url: str, running: Services) -> Made:
    broker = RabbitMQ(url, "bench")
    try:
        warming = [Photo(uuid4().hex, task.photos[0].path) for _ in range(2 * task.cores)]
        await _all(task, warming, broker, running)
        with measured() as made:
            await _all(task, task.photos, broker, running)
    finally:
        await broker.close()
    return made


async def _all(task: Task, photos: Sequence[Photo], broker: RabbitMQ, running: Services) -> None:
    """Publish a job for each photo, and wait for the end of all."""
    waiting = {photo.name for photo in photos}
    async with broker.listen(running.lane.events, "#") as messages:
        for photo in photos:
            await broker.publish(encode(_job(photo, task)), running.lane.queue("download"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for message in messages:
                event = Event.of(message)
                if event.terminal and not event.completed:
                    raise SystemExit(f"{event.job_id} {event.what}: {event.error}")
                if event.completed:
                    waiting.discard(event.job_id)
                if not waiting:
                    return


def _job(photo: Photo, task: Task) -> DownloadJob:
    return DownloadJob(
        job_id=photo.name,
        source=Path(photo.path).as_uri(),
        operations=tuple(Operation.model_validate(one) for one in task.operations),
    )


if __name__ == "__main__":
    contender(main, sys.argv)
