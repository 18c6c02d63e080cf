"""The three working stages, tiny, but with real files; upload and cleanup are the real ones."""

import asyncio
import hashlib
from pathlib import Path

from services.upload.stage import Upload
from shared.errors import CorruptMedia, SourceUnavailable
from shared.jobs import (
    CleanupJob,
    DownloadJob,
    Original,
    Output,
    ProcessingJob,
    UploadJob,
)
from shared.manifest import Manifest
from shared.work import Work
from tests.simulation.disk import Disk
from tests.simulation.shop import Shop
from tests.simulation.virtual import Process
from tests.simulation.world import World

# What becomes of a job shows in its source: `sim:<character>/<number>`.
CHARACTERS = ("plain", "slow", "corrupt", "error", "poison")
OUTPUTS = ("large", "small")


class Stages:
    """What one process does as one of the stages."""

    def __init__(self, world: World, process: Process, disk: Disk, shop: Shop) -> None:
        self._world = world
        self._process = process
        self._disk = disk
        self._upload = Upload(shop, files_at_once=2, root=None)

    async def download(self, job: DownloadJob, work: Work) -> ProcessingJob:
        content = content_of(job.source)
        await work.reserve(len(content))
        path = work.directory / "original"
        await self._works(job.source)
        if self._world.faults.strikes("source error"):
            raise SourceUnavailable("simulated: 503")
        self._disk.create(path, content)
        original = Original(
            path=work.relative(path),
            size=len(content),
            sha256=_digest(content),
            media_type="image/jpeg",
            ext="jpg",
            kind="image",
        )
        return ProcessingJob(
            job_id=job.job_id,
            run=job.run,
            volume=work.volume,
            request=job.request,
            original=original,
            manifest=Manifest().with_files(original.tracked),
        )

    async def process(self, job: ProcessingJob, work: Work) -> UploadJob:
        character = character_of(job.request.source)
        original = self._disk.read(work.locate(job.original.path))
        if character == "poison" or original != content_of(job.request.source):
            self._world.crash(self._process)
        outputs = []
        for name in OUTPUTS:
            await self._works(job.request.source)
            content = output_of(job.request.source, name)
            outputs.append(self._output(name, work.directory / f"{name}.webp", content, work))
        if character == "corrupt":
            raise CorruptMedia("simulated: not an image")
        if character == "error":
            raise ValueError("simulated: nobody foresaw this")
        return UploadJob(
            job_id=job.job_id,
            run=job.run,
            volume=job.volume,
            request=job.request,
            manifest=job.manifest.with_files(*(output.tracked for output in outputs)),
            costs=job.costs,
            original=job.original,
            outputs=tuple(outputs),
        )

    async def upload(self, job: UploadJob, work: Work) -> CleanupJob:
        await self._works(job.request.source)
        return await self._upload(job, work)

    def _output(self, name: str, path: Path, content: bytes, work: Work) -> Output:
        self._disk.create(path, content)
        return Output(
            name=name,
            ext="webp",
            path=work.relative(path),
            size=len(content),
            sha256=_digest(content),
            media_type="image/webp",
        )

    async def _works(self, source: str) -> None:
        """Take a while: most of the time none, sometimes longer than anyone should wait."""
        random = self._world.random.random()
        if character_of(source) == "slow":
            await asyncio.sleep(random**4 * 260)
        elif random < 0.3:
            await asyncio.sleep(random * 10)


def content_of(source: str) -> bytes:
    """The bytes that lie at `source`."""
    return f"the bytes of {source}".encode()


def output_of(source: str, name: str) -> bytes:
    """The bytes that are made of `source` under `name`."""
    return content_of(source) + name.encode()


def character_of(source: str) -> str:
    """What kind of job it is."""
    return source.removeprefix("sim:").partition("/")[0]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
