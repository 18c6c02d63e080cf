"""Jobs per second through four hops: Millrace, bare aio-pika, and a Celery chain.

    python -m bench.flow [--jobs N] [--rounds N] [--prefetch N]

Every contender has four processes, durable quorum queues, persistent messages of about 1 KiB,
confirmed publishing, and the same prefetch. The first queue is filled before the start; time
runs from the start to the end of the last job. The contenders take turns, round by round.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aio_pika
import orjson

from bench.contenders.bare import QUORUM
from bench.contenders.gate import Finish, Gate
from tests.servers.rabbitmq import rabbitmq

STAGES = ("download", "process", "upload", "cleanup")
PADDING = "x" * 900


def main() -> None:
    """Print a line a round, then medians and ratios."""
    arguments = _arguments()
    rates: dict[str, list[float]] = {name: [] for name in arguments.only or CONTENDERS}
    with rabbitmq() as url:
        for number in range(arguments.rounds):
            for name, found in rates.items():
                rate = _one(name, url, arguments)
                found.append(rate)
                print(f"round {number + 1}  {name:<9} {rate:8.0f} jobs/s", flush=True)
    _print(rates)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prefetch", type=int, default=32)
    parser.add_argument(
        "--only", choices=list(CONTENDERS), action="append", help="leave the others out"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where Millrace's work directory lies",
    )
    return parser.parse_args()


def _print(rates: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, median in medians.items():
        print(f"median   {name:<9} {median:8.0f} jobs/s")
    if len(medians) < len(CONTENDERS):
        return
    print(f"millrace / celery {medians['millrace'] / medians['celery']:.2f}  (goal 2.5)")
    print(f"millrace / bare   {medians['millrace'] / medians['bare']:.2f}  (goal 0.6)")


def _one(name: str, url: str, arguments: argparse.Namespace) -> float:
    jobs: int = arguments.jobs
    prefetch: int = arguments.prefetch
    folder = Path(tempfile.mkdtemp(prefix="millrace-bench-", dir=arguments.work))
    environment = {
        **os.environ,
        "FLOW_AMQP_URL": url,
        "FLOW_FOLDER": str(folder),
        "FLOW_PREFETCH": str(prefetch),
    }
    processes = CONTENDERS[name](url, folder, prefetch, jobs, environment)
    try:
        return jobs / _timed(folder, jobs)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        asyncio.run(_delete_queues(url))
        shutil.rmtree(folder)


def _timed(folder: Path, jobs: int) -> float:
    """Seconds from the start to the end of the last job."""
    gate, finish = Gate(folder), Finish(folder)
    _until(lambda: gate.count_ready() == len(STAGES), "not every process got ready")
    time.sleep(1)
    started = gate.open()
    _until(lambda: finish.count() >= jobs, "not every job ended")
    return time.monotonic() - started


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(otherwise)
        time.sleep(0.01)


def _millrace(
    url: str, folder: Path, prefetch: int, jobs: int, environment: dict[str, str]
) -> list[subprocess.Popen[bytes]]:
    from bench.contenders.millrace import LANE

    processes = [
        _start(
            ["-m", "bench.contenders.millrace", stage, url, str(folder), str(prefetch)],
            environment,
            folder,
        )
        for stage in STAGES
    ]
    _until(lambda: Gate(folder).count_ready() == len(STAGES), "millrace did not start")
    bodies = [
        orjson.dumps({"jobId": f"j{n}", "source": "file:///x", "metadata": {"padding": PADDING}})
        for n in range(jobs)
    ]
    asyncio.run(_fill(url, LANE.queue("download"), bodies, declared=True))
    return processes


def _bare(
    url: str, folder: Path, prefetch: int, jobs: int, environment: dict[str, str]
) -> list[subprocess.Popen[bytes]]:
    from bench.contenders.bare import QUEUES

    processes = [
        _start(
            ["-m", "bench.contenders.bare", str(hop), url, str(folder), str(prefetch)],
            environment,
            folder,
        )
        for hop in range(len(QUEUES))
    ]
    bodies = [f"{n:06}{PADDING}".encode() for n in range(jobs)]
    asyncio.run(_fill(url, QUEUES[0], bodies))
    return processes


def _celery(
    url: str, folder: Path, prefetch: int, jobs: int, environment: dict[str, str]
) -> list[subprocess.Popen[bytes]]:
    filling = [sys.executable, "-m", "bench.contenders.fill_celery", str(jobs)]
    subprocess.run(filling, env=environment, check=True)
    return [
        _start(["-m", "bench.contenders.celery_worker", str(hop)], environment, folder)
        for hop in range(len(STAGES))
    ]


CONTENDERS = {"bare": _bare, "millrace": _millrace, "celery": _celery}


def _start(
    arguments: list[str], environment: dict[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([sys.executable, *arguments], env=environment, stderr=log)


async def _fill(url: str, queue: str, bodies: list[bytes], *, declared: bool = False) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        if not declared:
            await channel.declare_queue(queue, durable=True, arguments=QUORUM)
        for start in range(0, len(bodies), 200):
            await asyncio.gather(
                *(
                    channel.default_exchange.publish(
                        aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT),
                        queue,
                    )
                    for body in bodies[start : start + 200]
                )
            )


async def _delete_queues(url: str) -> None:
    from bench.contenders import bare
    from bench.contenders.millrace import LANE

    names = [queue.name for queue in LANE.topology.queues]
    names += [*bare.QUEUES, *(f"bench.celery.{n}" for n in range(1, 5))]
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        for name in names:
            await channel.queue_delete(name)


if __name__ == "__main__":
    main()
