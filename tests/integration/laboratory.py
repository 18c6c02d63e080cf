"""Files given to the first two stages as they run in production, and what becomes of each."""

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import structlog
from structlog.typing import FilteringBoundLogger

from services.download.settings import DownloadSettings
from services.download.stage import Download
from services.download.stage import opened as download_opened
from services.process.settings import ProcessSettings
from services.process.stage import Process, opened
from services.process.video.settings import FilmSettings
from shared.errors import MillraceError
from shared.jobs import DownloadJob, Kind
from shared.storage.base import Storage
from shared.workspace import Attempt, Held, Workspace

Way = Literal["pipeline", "image", "video"]
WAYS: tuple[Way, ...] = get_args(Way)
KINDS: tuple[Kind, ...] = get_args(Kind)

_SILENT: FilteringBoundLogger = structlog.wrap_logger(
    structlog.ReturnLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        error: None where outputs were made.
        reached: the engines that saw it, on its way through the pipeline.
        alive: whether the child that worked on it lived on. Another answers in any case.
    """

    error: MillraceError | None
    reached: Kind | None
    peak_memory_bytes: int
    alive: bool


Outcomes = Mapping[tuple[str, Way], Outcome]


def observe(
    folder: Path, files: Mapping[str, bytes], ways: Sequence[Way] = WAYS, **settings: object
) -> Outcomes:
    """What becomes of each file: as a job, and given straight to the engines of each kind.

    There is one child for all, since starting one costs the most.
    """
    root = Path(tempfile.mkdtemp(dir=folder))
    return asyncio.run(_every(root, files, ways, settings))


async def _every(
    root: Path, files: Mapping[str, bytes], ways: Sequence[Way], settings: Mapping[str, object]
) -> Outcomes:
    outcomes: dict[tuple[str, Way], Outcome] = {}
    async with Laboratory.opened(root, settings) as laboratory:
        for number, (name, content) in enumerate(files.items()):
            file = root / f"file-{number}"
            file.write_bytes(content)
            for way in ways:
                through = outcomes.get((name, "pipeline"))
                if through is None or through.reached != way:
                    outcomes[name, way] = await laboratory.observe(file, way)
                else:
                    outcomes[name, way] = through
            file.unlink()
    return outcomes


class Laboratory:
    """Download and process with one child, on a workspace of their own."""

    def __init__(self, download: Download, process: Process, workspace: Workspace) -> None:
        self._download = download
        self._process = process
        self._workspace = workspace
        self._count = 0
        self._reached: Kind | None = None

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, root: Path, settings: Mapping[str, object]
    ) -> "AsyncIterator[Laboratory]":
        """With the defaults of production, but for `settings`."""
        workspace = Workspace(root / "work")
        workspace.open()
        fetching = DownloadSettings.model_validate({"source_roots": str(root)})
        chosen = ProcessSettings.model_validate({"process_workers": 1, **settings})
        films = FilmSettings.model_validate(settings)
        async with (
            download_opened(fetching, _no_bucket) as download,
            opened(chosen, films) as process,
        ):
            yield cls(download, process, workspace)

    async def observe(self, file: Path, way: Way) -> Outcome:
        """What becomes of `file` on that way."""
        self._count += 1
        job = DownloadJob(job_id=f"job-{self._count}", source=f"file://{file}")
        with self._workspace.begin(job) as held:
            work = _attempt(held, "process")
            before = await self._child(work)
            work.spent.peak_memory_bytes = 0
            error = await (
                self._pass(job, held, work) if way == "pipeline" else self._make(file, way, work)
            )
            peak = work.spent.peak_memory_bytes
            alive = await self._child(work) == before
        return Outcome(error, self._reached, peak, alive)

    async def _pass(self, job: DownloadJob, held: Held, work: Attempt) -> MillraceError | None:
        self._reached = None
        try:
            fetched = await self._download(job, _attempt(held, "download"))
            self._reached = fetched.original.kind
            await self._process(fetched, work)
        except MillraceError as error:
            return error
        return None

    async def _make(self, file: Path, kind: Kind, work: Attempt) -> MillraceError | None:
        self._reached = kind
        try:
            await self._process.media[kind].make(file, None, work)
        except MillraceError as error:
            return error
        return None

    async def _child(self, work: Attempt) -> int:
        return await self._process.pool.call(os.getpid, seconds=60, work=work)


def _attempt(held: Held, stage: Literal["download", "process"]) -> Attempt:
    return held.attempt(stage, _SILENT, lambda *_: None)


def _no_bucket(name: str) -> Storage:
    raise AssertionError(name)
