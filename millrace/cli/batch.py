"""Several jobs in one embedded run, from the first to the last, or to Ctrl-C."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millrace.cli.display import Silence
from millrace.cli.jobs import Job
from millrace.embedded import Embedded
from millrace.events import Event
from millrace.settings import read
from services.process.cores import usable_cores
from shared.observe.logs import configure_logs
from shared.settings import ServiceSettings

# Beside those whose pixels are worked on, some are fetched or stored.
_BESIDE = 2
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Batch:
    """How a batch ended.

    Attributes:
        ends: each job's terminal event, in the order of the jobs.
        left: temporary files on the disk after the last job.
        signal: the number of the signal that ended it early, if one did.
    """

    ends: list[Event]
    left: int
    signal: int | None

    @property
    def code(self) -> int:
        """The exit code: 0 only if every job completed."""
        if self.signal is not None:
            return 128 + self.signal
        return 0 if all(end.completed for end in self.ends) else 1


def carry_out(jobs: Sequence[Job], out: Path, display: Silence, at_once: int | None) -> Batch:
    """Run all jobs, `at_once` of them at a time; results go to `out`."""
    from millrace.wiring import run

    settings = read(ServiceSettings)
    asked = "log_level" in settings.model_fields_set
    configure_logs(settings.log_level if asked else display.log_level, settings.log_format)
    batch: Batch = run(_carry_out(jobs, out, display, at_once))
    return batch


async def _carry_out(
    jobs: Sequence[Job], out: Path, display: Silence, at_once: int | None
) -> Batch:
    cores = usable_cores()
    slots = asyncio.Semaphore(at_once or cores + _BESIDE)
    roots = {job.source.path.parent for job in jobs if job.source.path}
    workers = min(at_once or cores, cores, len(jobs))

    async def one(job: Job) -> Event:
        async with slots:
            display.begins(job)
            end = await embedded.run(job.message)
        display.ended(job, end)
        return end

    async with Embedded.opened(
        out.absolute(),
        source_roots=roots,
        workers=workers,
        watch=display.heard,
        warn=display.warned,
    ) as embedded:
        with _cancelling(embedded) as cancelled_by:
            ends = await asyncio.gather(*(one(job) for job in jobs))
        return Batch(ends, embedded.left(), cancelled_by())


@contextmanager
def _cancelling(embedded: Embedded) -> Iterator[Callable[[], int | None]]:
    """The first Ctrl-C cancels the jobs, which takes a moment; the second ends it all at once."""
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    assert main is not None
    received: list[int] = []
    cancelling: list[asyncio.Task[Any]] = []

    def receive(number: int) -> None:
        received.append(number)
        if len(received) > 1:
            main.cancel()
        else:
            cancelling.append(loop.create_task(embedded.cancel()))

    # What is ignored stays so: hanging up under nohup, Ctrl-C in a script's background.
    numbers = [number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN]
    for number in numbers:
        loop.add_signal_handler(number, receive, number)
    try:
        yield lambda: received[0] if received else None
    except asyncio.CancelledError:
        if not received:
            raise
        raise KeyboardInterrupt from None
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
