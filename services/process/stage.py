"""The process stage: from the original to the files that the job asks for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from services.process.image.pictures import Pictures
from services.process.image.select import warm
from services.process.media import Media
from services.process.pools import Pool
from services.process.seccomp import fault
from services.process.settings import ProcessSettings
from services.process.video.films import Films
from services.process.video.settings import FilmSettings
from shared.errors import EngineUnavailable, FilesLost
from shared.jobs import Kind, Output, ProcessingJob, UploadJob
from shared.manifest import TrackedFile
from shared.work import Work

if TYPE_CHECKING:
    from services.process.image.gpu.gpu import Gpu


@dataclass(frozen=True)
class Process:
    """Makes a job's outputs.

    Attributes:
        media: who makes them, for each kind of original.
        pool: the child processes that pictures are made in.
        gpu: where it is used.
        checks: what can be wrong with it, for `/health`.
    """

    media: Mapping[Kind, Media]
    pool: Pool
    gpu: "Gpu | None" = None
    checks: tuple[Callable[[], str | None], ...] = ()

    async def __call__(self, job: ProcessingJob, work: Work) -> UploadJob:
        """The job with its outputs; see `Media.make` for the errors."""
        source = work.locate(job.original.path)
        media = self.media[job.original.kind]
        outputs = await media.make(source, job.request.operations, work)
        made = tuple(_files(outputs))
        await asyncio.to_thread(_check, made, work)
        return UploadJob(
            job_id=job.job_id,
            run=job.run,
            volume=job.volume,
            request=job.request,
            manifest=job.manifest.with_files(*made),
            costs=job.costs,
            original=job.original,
            outputs=outputs,
        )


def _check(files: tuple[TrackedFile, ...], work: Work) -> None:
    """Refuse what an engine reported and is not there: children are not trusted with paths."""
    for file in files:
        size = work.locate(file.path).stat(follow_symlinks=False).st_size
        if size != file.size:
            raise FilesLost(f"{file.path!r} has {size} bytes, and was said to have {file.size}")


def _files(outputs: tuple[Output, ...]) -> Iterator[TrackedFile]:
    for output in outputs:
        yield output.tracked
        yield from (member.tracked for member in output.members)


@asynccontextmanager
async def opened(
    settings: ProcessSettings, film_settings: FilmSettings | None = None
) -> AsyncIterator[Process]:
    """The stage with its child processes, which are dead at the end."""
    if reason := fault():
        structlog.get_logger().warning("children can reach the network", reason=reason)
    catalogues = settings.catalogues
    prepare = partial(warm, settings.process_engine, settings.limits)
    async with (
        gpu_of(settings) as gpu,
        Pool.opened(settings.process_workers, settings.bounds, prepare, gpu) as pool,
    ):
        pictures = Pictures(
            pool,
            settings.process_engine,
            settings.limits,
            settings.process_call_seconds,
            gpu,
            catalogues.photos,
        )
        films = Films(
            pool,
            pictures,
            film_settings or FilmSettings(),
            settings.bounds,
            catalogues.films,
        )
        checks = (lambda: pool.fault, lambda: films.lookup.fault)
        looking = asyncio.create_task(films.lookup.ahead())
        try:
            yield Process({"image": pictures, "video": films}, pool, gpu, checks)
        finally:
            looking.cancel()


@asynccontextmanager
async def gpu_of(settings: ProcessSettings) -> "AsyncIterator[Gpu | None]":
    """The GPU, where it is asked for.

    Raises:
        EngineUnavailable: there is none, or what it takes is not installed.
    """
    if settings.process_engine != "cuda":
        yield None
        return
    try:
        from services.process.image.gpu.gpu import Gpu
    except ImportError as error:
        raise EngineUnavailable(f"PROCESS_ENGINE: cuda needs the extra `gpu`: {error}") from error
    async with Gpu.opened(settings.limits) as gpu:
        yield gpu
