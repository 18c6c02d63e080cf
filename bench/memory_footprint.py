"""How much resident memory one large film takes in the services that its bytes pass through."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench import memory_gauge
from bench.memory_film import SMALLEST_BYTES, film_server
from millrace.events import Event
from shared.broker.rabbitmq import RabbitMQ
from shared.broker.topology import Lane
from shared.envelope import encode
from shared.jobs import DownloadJob, Operation, Stage
from tests.servers.services import Services, services

MEASURED: tuple[Stage, ...] = ("download", "upload")
# A service that has just ended a job frees the last of it within this.
_SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Footprint:
    """The resident memory of one service, in bytes.

    Attributes:
        baseline: idle, after a small film.
        peak: the most during a large one.
    """

    service: Stage
    baseline: int
    peak: int

    @property
    def more(self) -> int:
        """What the large film took."""
        return self.peak - self.baseline


def footprints(amqp_url: str, size: int, settings: Mapping[str, str]) -> list[Footprint]:
    """Send a film of `size` bytes through four services with these environment variables.

    Raises:
        RuntimeError: a job did not complete, or left something behind.
    """
    with film_server() as port:
        reachable = {"ALLOWED_NETWORKS": "127.0.0.0/8", "ALLOWED_PORTS": str(port)}
        limit = {"MAX_DOWNLOAD_BYTES": str(max(size, SMALLEST_BYTES))}
        with services(amqp_url, {**reachable, **limit, **settings}) as running:
            asyncio.run(_completed(amqp_url, running.lane, port, SMALLEST_BYTES))
            time.sleep(_SETTLE_SECONDS)
            baselines = {stage: memory_gauge.begin(running.pids[stage]) for stage in MEASURED}
            asyncio.run(_completed(amqp_url, running.lane, port, size))
            _check_nothing_left(running)
            return [
                Footprint(stage, baselines[stage], memory_gauge.peak(running.pids[stage]))
                for stage in MEASURED
            ]


async def _completed(amqp_url: str, lane: Lane, port: int, size: int) -> None:
    job = DownloadJob(
        job_id=f"film-{size}",
        source=f"http://127.0.0.1:{port}/{size}.mp4",
        operations=(Operation.model_validate({"op": "poster", "at": 1}),),
        keep_original=True,
    )
    end = await _end(amqp_url, lane, job)
    stored = {result.name: result.size for result in end.results}
    if stored.get("original") != size:
        raise RuntimeError(f"{job.job_id} {end.what}: {end.sentence} {stored}")


async def _end(amqp_url: str, lane: Lane, job: DownloadJob) -> Event:
    broker = RabbitMQ(amqp_url, "bench")
    try:
        async with broker.listen(lane.events, f"{job.job_id}.*") as messages:
            await broker.publish(encode(job), lane.queue("download"))
            async for message in messages:
                event = Event.of(message)
                if event.terminal:
                    return event
    finally:
        await broker.close()
    raise RuntimeError(f"the events of {job.job_id} broke off")


def _check_nothing_left(running: Services) -> None:
    if running.left:
        raise RuntimeError(f"temporary files were left: {running.left}")
