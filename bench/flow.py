"""Jobs per second through four hops: Millrace, bare aio-pika, and a Celery chain.

    python -m bench.flow [--jobs N] [--rounds N] [--prefetch N] [--only NAME]…

bare         aio-pika on asyncio's own loop, as its documentation runs it: publish to the next
             queue, await the confirm, acknowledge
bare-uvloop  the same on uvloop, which Millrace runs on; only where `--only` asks for it
millrace     the delivery of `shared/consumer.py` with stages that do nothing
celery       a chain of four tasks, `acks_late`, confirmed publishing; the prefork pool, which is
             the default, with one child
celery-solo  the same with the solo pool, which runs tasks in the worker itself; without gossip,
             mingle and heartbeat: as fast as Celery gets with empty tasks

Every contender has four processes (prefork: and a child each), durable quorum queues, persistent
messages of about 1 KiB, confirmed publishing, and the same prefetch. The first queue is filled
before the start; time runs from the start to the end of the last job. The contenders take turns,
round by round. CPU milliseconds a job are those of the contender's processes and those of the
broker: on a busy machine they say more than the rates.
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
from dataclasses import dataclass
from pathlib import Path

import aio_pika
import orjson
import psutil

from bench.contenders.bare import QUORUM
from bench.contenders.gate import Finish, Gate
from bench.cpu import used
from tests.servers.rabbitmq import rabbitmq

STAGES = ("download", "process", "upload", "cleanup")
PADDING = "x" * 900


@dataclass(frozen=True)
class Measured:
    """One run of one contender: jobs per second, and CPU milliseconds per job."""

    rate: float
    contender_ms: float
    broker_ms: float

    def __str__(self) -> str:
        return (
            f"{self.rate:8.0f} jobs/s   CPU ms/job: {self.contender_ms:6.2f} own"
            f" + {self.broker_ms:5.2f} broker = {self.contender_ms + self.broker_ms:6.2f}"
        )


def main() -> None:
    """Print a line a round, then medians and ratios."""
    arguments = _arguments()
    runs: dict[str, list[Measured]] = {name: [] for name in arguments.only or DEFAULT}
    with rabbitmq() as url:
        for number in range(arguments.rounds):
            for name, found in runs.items():
                found.append(_one(name, url, arguments))
                print(f"round {number + 1}  {name:<11} {found[-1]}", flush=True)
    _print({name: _median(found) for name, found in runs.items()})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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


def _median(runs: list[Measured]) -> Measured:
    return Measured(
        statistics.median(run.rate for run in runs),
        statistics.median(run.contender_ms for run in runs),
        statistics.median(run.broker_ms for run in runs),
    )


def _print(medians: dict[str, Measured]) -> None:
    for name, median in medians.items():
        print(f"median   {name:<11} {median}")
    for peer, goal in GOALS.items():
        if peer in medians and "millrace" in medians:
            ratio = medians["millrace"].rate / medians[peer].rate
            print(f"millrace / {peer:<11} {ratio:.2f}  (goal {goal})")


def _one(name: str, url: str, arguments: argparse.Namespace) -> Measured:
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
        return _measured(folder, jobs, [process.pid for process in processes])
    finally:
        for process in processes:
            _kill_with_children(process)
        asyncio.run(_delete_queues(url))
        shutil.rmtree(folder)


def _measured(folder: Path, jobs: int, processes: list[int]) -> Measured:
    """From the start to the end of the last job."""
    gate, finish = Gate(folder), Finish(folder)
    _until(lambda: gate.count_ready() == len(STAGES), "not every process got ready")
    time.sleep(1)
    before = used(processes)
    started = gate.open()
    _until(lambda: finish.count() >= jobs, "not every job ended")
    seconds = time.monotonic() - started
    spent = used(processes) - before
    return Measured(jobs / seconds, 1000 * spent.contender / jobs, 1000 * spent.broker / jobs)


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


def _bare_uvloop(
    url: str, folder: Path, prefetch: int, jobs: int, environment: dict[str, str]
) -> list[subprocess.Popen[bytes]]:
    return _bare(url, folder, prefetch, jobs, {**environment, "FLOW_UVLOOP": "1"})


def _celery(
    url: str, folder: Path, prefetch: int, jobs: int, environment: dict[str, str]
) -> list[subprocess.Popen[bytes]]:
    filling = [sys.executable, "-m", "bench.contenders.fill_celery", str(jobs)]
    subprocess.run(filling, env=environment, check=True)
    return [
        _start(["-m", "bench.contenders.celery_worker", str(hop)], environment, folder)
        for hop in range(len(STAGES))
    ]


def _celery_solo(
    url: str, folder: Path, prefetch: int, jobs: int, environment: dict[str, str]
) -> list[subprocess.Popen[bytes]]:
    return _celery(url, folder, prefetch, jobs, {**environment, "FLOW_POOL": "solo"})


CONTENDERS = {
    "bare": _bare,
    "bare-uvloop": _bare_uvloop,
    "millrace": _millrace,
    "celery": _celery,
    "celery-solo": _celery_solo,
}
DEFAULT = ("bare", "millrace", "celery", "celery-solo")
# What Millrace's rate is to be, in rates of the peer.
GOALS = {"bare": 0.6, "bare-uvloop": 0.6, "celery": 2.5, "celery-solo": 2.5}


def _start(
    arguments: list[str], environment: dict[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=log, stderr=log
        )


def _kill_with_children(process: subprocess.Popen[bytes]) -> None:
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()
    process.kill()
    process.wait()


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
