"""How soon services are ready after their broker is, and how long one small photo takes.

    python -m bench.latency [--rounds N]

A private RabbitMQ and the four services as processes of their own. Ready: from the moment that a
restarted broker accepts connections to `/readyz` of all four services. Photo: from publishing a
job for a photo of 800×600 pixels (thumbnail, blur, low-quality) to reading its `completed` event.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from PIL import Image

from shared.broker.rabbitmq import RabbitMQ
from shared.envelope import encode
from shared.jobs import DownloadJob, Operation
from tests.servers.rabbitmq import PrivateRabbitMQ, ensure_installed
from tests.servers.services import Services, ready, services

PHOTO = Path(__file__).resolve().parents[1] / "examples" / "mountains.jpg"
OPERATIONS = tuple(Operation(op=name) for name in ("thumbnail", "blur", "low-quality"))
GOAL_SECONDS = 1.0


def main() -> None:
    """Print both medians and their goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args().rounds
    ensure_installed()
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        photo = _small_photo(Path(folder))
        settings = {"SOURCE_ROOTS": folder}
        with PrivateRabbitMQ() as node, services(node.url, settings) as running:
            photos = asyncio.run(_photos(node.url, running, photo, 2 * rounds))
            # RabbitMQ forgets a queue that was declared right before it ends.
            time.sleep(2)
            readies = [_ready_after_restart(node, running) for _ in range(rounds)]
    _print("services ready after their broker", readies)
    _print("one small photo, publish to completed", photos)


def _small_photo(folder: Path) -> Path:
    photo = folder / "photo.jpg"
    with Image.open(PHOTO) as image:
        image.resize((800, 600)).save(photo, quality=90)
    return photo


def _ready_after_restart(node: PrivateRabbitMQ, running: Services) -> float:
    node.restart()
    started = time.monotonic()
    while not ready(running.ports.values()):
        time.sleep(0.01)
    return time.monotonic() - started


async def _photos(url: str, running: Services, photo: Path, count: int) -> list[float]:
    """Seconds of each of `count` jobs, one after the other; the first one warms up."""
    broker = RabbitMQ(url, "bench")
    try:
        return [await _photo(broker, running, photo) for _ in range(count + 1)][1:]
    finally:
        await broker.close()


async def _photo(broker: RabbitMQ, running: Services, photo: Path) -> float:
    job = DownloadJob(job_id=uuid4().hex, source=photo.as_uri(), operations=OPERATIONS)
    async with broker.listen(running.lane.events, f"{job.job_id}.completed") as events:
        started = time.monotonic()
        await broker.publish(encode(job), running.lane.queue("download"))
        async with asyncio.timeout(30):
            await anext(aiter(events))
        return time.monotonic() - started


def _print(what: str, seconds: list[float]) -> None:
    median = statistics.median(seconds)
    print(f"{what:<40} median {median:.3f} s  (goal < {GOAL_SECONDS:.0f} s)")


if __name__ == "__main__":
    main()
