"""The four stages in one process: the same consumers, stages and cleanup as the services.

The broker lives in this process's memory, and its queues die with it. So an embedded run has
a work directory of its own, which is gone at the end; if the run is killed, the next one that
finds the results' folder in its place ends the jobs and removes it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

import structlog

from millrace.events import Event
from millrace.roots import KEPT_DAYS, abandoned_roots, is_old, owes, own_root
from millrace.settings import Reader, read
from millrace.wiring import STAGES, Backends, standing_on, wired
from shared.broker.base import Message
from shared.broker.memory import MemoryBroker
from shared.broker.topology import Lane
from shared.envelope import encode
from shared.errors import MillraceError, WorkspaceFull
from shared.jobs import CancelRequest, DownloadJob, Stage, directory_name
from shared.settings import WorkspaceSettings
from shared.storage.keys import PRIVATE

# A person waits: whatever may pass is tried again soon, and not often.
LANE = Lane("embedded", {"200ms": 0.2, "1s": 1, "5s": 5})
MAX_ATTEMPTS = 3
_DAY_SECONDS = 24 * 3600
_ABANDONED_SECONDS = 10
_OUT = "out"

Watch = Callable[[Event], None]
Warn = Callable[[str], None]


def _log(sentence: str) -> None:
    structlog.get_logger().warning(sentence)


class Embedded:
    """A pipeline of its own for one program.

    Attributes:
        on: what its stages stand on.
    """

    def __init__(self, on: Backends, out: Path, watch: Watch) -> None:
        self.on = on
        self._out = out
        self._watch = watch
        self._ends: dict[str, asyncio.Future[Event]] = {}
        self._cancelled = False

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        out: Path,
        *,
        source_roots: Iterable[Path] = (),
        workers: int | None = None,
        watch: Watch = lambda _: None,
        warn: Warn = _log,
    ) -> AsyncIterator[Self]:
        """The pipeline, until the block ends; then all that is left is what lies in `out`.

        Args:
            out: the folder that results go to; an absolute path.
            source_roots: folders that sources may lie in.
            workers: how many child processes for photos; by default what the settings say.
            watch: is called with every event of every job.
            warn: is called with a sentence on each earlier run that left something behind.

        Raises:
            BadSetting: an environment variable has a value that cannot be used.
            WorkspaceFull: there is too little room to begin.
        """
        temp_dir = read(WorkspaceSettings).temp_dir
        for abandoned in abandoned_roots(temp_dir):
            await cls._end_jobs_in(abandoned, warn)
        with own_root(temp_dir) as root:
            (root / _OUT).write_bytes(bytes(out))
            reader = _reader(root, out, tuple(source_roots), workers)
            async with cls._running(reader, out, STAGES, watch) as embedded:
                _refuse_without_room(embedded.on)
                yield embedded

    @classmethod
    async def _end_jobs_in(cls, root: Path, warn: Warn) -> None:
        """Take back what a run that was killed had stored of the jobs that it did not end."""
        if not owes(root):
            return
        with suppress(OSError):
            out = Path(os.fsdecode((root / _OUT).read_bytes()))
            if (out / PRIVATE).is_dir():
                with suppress(OSError, MillraceError):
                    async with (
                        asyncio.timeout(_ABANDONED_SECONDS),
                        cls._running(_reader(root, out), out, ("cleanup",)) as embedded,
                    ):
                        await embedded._end_all()
            if owes(root):
                warn(_sentence_on(root, out))

    @classmethod
    @asynccontextmanager
    async def _running(
        cls, reader: Reader, out: Path, stages: tuple[Stage, ...], watch: Watch = lambda _: None
    ) -> AsyncIterator[Self]:
        async with AsyncExitStack() as stack:
            on = await stack.enter_async_context(standing_on(MemoryBroker(), LANE, reader))
            await on.broker.declare(LANE.topology)
            embedded = cls(on, out, watch)
            events = await stack.enter_async_context(on.broker.listen(LANE.events, "#"))
            listening = asyncio.create_task(embedded._listen(events))
            stack.callback(listening.cancel)
            for stage in stages:
                one = await stack.enter_async_context(wired(stage, on))
                await one.consumer.start()
                stack.push_async_callback(one.consumer.stop)
            yield embedded

    async def _listen(self, events: AsyncIterator[Message]) -> None:
        async for message in events:
            event = Event.of(message)
            self._watch(event)
            end = self._ends.get(event.job_id)
            if event.terminal and end is not None and not end.done():
                end.set_result(event)

    # ── jobs ─────────────────────────────────────────────────────────────────────────────

    async def run(self, job: DownloadJob) -> Event:
        """Run one job; its terminal event. Many can run at once, each with its own id."""
        end = self._expect(job.job_id)
        if self._cancelled:
            await self._cancel(job.job_id)
        else:
            await self.on.broker.publish(encode(job), LANE.queue("download"))
        return await end

    async def cancel(self) -> None:
        """End every job as cancelled, those too that are yet to be run."""
        self._cancelled = True
        for job_id in [job_id for job_id, end in self._ends.items() if not end.done()]:
            await self._cancel(job_id)

    async def _cancel(self, job_id: str) -> None:
        request = CancelRequest(job_id=job_id, outcome="cancelled")
        await self.on.broker.publish(Message(request.encode()), LANE.queue("cleanup"))

    async def _end_all(self) -> None:
        """End every job that lies in the work directory."""
        leases = [job.lease for job in self.on.workspace.survey()]
        ends = [self._expect(lease.job_id) for lease in leases if lease]
        await self.cancel()
        await asyncio.gather(*ends)

    def _expect(self, job_id: str) -> asyncio.Future[Event]:
        return self._ends.setdefault(job_id, asyncio.get_running_loop().create_future())

    def left(self) -> int:
        """How many temporary files are on the disk right now."""
        own = {directory_name(job_id) for job_id in self._ends}
        stored = (self._out / PRIVATE).glob("*")
        unsettled = [path for path in stored if path.name.partition(".")[0] in own]
        workspace = self.on.workspace
        return _files(workspace.jobs) + _files(workspace.trash) + len(unsettled)


def _reader(
    root: Path, out: Path, source_roots: tuple[Path, ...] = (), workers: int | None = None
) -> Reader:
    """Settings for one process and one person; what is not said here, the environment says."""
    given: dict[str, Any] = {
        "temp_dir": root,
        "storage_mode": "local",
        "upload_path": out,
        "public_url": out.as_uri(),
        "source_roots": source_roots,
        "max_attempts": MAX_ATTEMPTS,
        # No broker loses its patience here: only the job's own deadline ends its stages.
        "stage_limit_seconds": _DAY_SECONDS,
        "delivery_renew_seconds": _DAY_SECONDS,
        "consumer_timeout_seconds": 2 * _DAY_SECONDS,
        "drain_seconds": 0,
    }
    if workers is not None:
        given |= {"process_workers": workers, "process_concurrency": workers}
    return partial(read, **given)


def _sentence_on(root: Path, out: Path) -> str:
    """What a person has to know of results that could not be taken back."""
    left = f"a run that was killed left half of its results in {out}"
    if is_old(root):
        return f"{left}, and there they stay: that was more than {KEPT_DAYS} days ago"
    return (
        f"{left}, which cannot be taken back now. A later run takes them back when the folder is"
        f" there, within {KEPT_DAYS} days; removing {root} keeps them"
    )


def _refuse_without_room(on: Backends) -> None:
    if on.workspace.low:
        free, _ = on.workspace.space()
        raise WorkspaceFull(
            f"TEMP_DIR: only {free // 2**20} MiB are free there; "
            "DISK_FLOOR_BYTES says how many must stay so"
        )


def _files(folder: str) -> int:
    return sum(1 for path in Path(folder).rglob("*") if not path.is_dir())
