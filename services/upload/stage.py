"""The upload stage: from a job's files to stored objects with public addresses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.upload.keys import File, beside, name_of, resolve
from services.upload.settings import UploadSettings
from services.upload.urls import names_urls, with_urls
from shared.jobs import CleanupJob, Member, Output, Result, UploadJob
from shared.storage.base import Storage
from shared.together import together
from shared.work import Work

_MEASURED = {
    "made_on",
    "width",
    "height",
    "duration_seconds",
    "missing_seconds",
    "language",
    "engine",
    "recipe",
    "value",
    "score",
}


@dataclass(frozen=True)
class Upload:
    """Stores a job's outputs, and its original if that was asked for.

    Attributes:
        files_at_once: how many files of one job are on their way at a time.
        root: the folder that absolute destinations must lie under; None in object storage.
    """

    storage: Storage
    files_at_once: int
    root: Path | None

    async def __call__(self, job: UploadJob, work: Work) -> CleanupJob:
        """The job's end, with one result for each stored file.

        Raises:
            InvalidJob: the destination does not give each file a key of its own.
            FilesLost: one of the files is not there.
            ObjectExists: one of the keys is taken.
            StorageUnavailable: not all files could be stored.
        """
        files = self._with_urls(job, work)
        keys = resolve(job, files, work.created, self.root)
        placed = [*zip(files, keys, strict=True)]
        objects = [one for file, key in placed for one in _objects(file, key)]
        for file, _ in objects:
            work.locate(file.path)  # nothing is stored of a job that has lost a file
        await self._store(job, work, objects)
        results = [self._result(file, key) for file, key in placed]
        work.log.info("uploaded", objects=len(objects), bytes=work.spent.uploaded_bytes)
        return CleanupJob(
            job_id=job.job_id,
            run=job.run,
            volume=job.volume,
            request=job.request,
            manifest=job.manifest.with_files(*(file.tracked for file in files if names_urls(file))),
            costs=job.costs,
            outcome="completed",
            results=tuple(results),
        )

    def _with_urls(self, job: UploadJob, work: Work) -> list[File]:
        """All files to store; those that name URLs of others are written anew with them."""
        files = _files(job)
        if not any(map(names_urls, files)):
            return files
        keys = resolve(job, files, work.created, self.root)
        urls = {
            file.file: self.storage.url(key)
            for file, key in zip(files, keys, strict=True)
            if isinstance(file, Output)
        }
        return [with_urls(file, urls, work) if names_urls(file) else file for file in files]

    async def _store(
        self, job: UploadJob, work: Work, todo: Sequence[tuple[File | Member, str]]
    ) -> None:
        """Put every file under its key; the first failure stops the others."""
        slots = asyncio.Semaphore(self.files_at_once)
        total = sum(file.size for file, _ in todo)

        async def put(file: File | Member, key: str) -> None:
            async with slots:
                with work.opened(file.path) as path:
                    await self.storage.put(
                        key,
                        path,
                        media_type=file.media_type,
                        sha256=file.sha256,
                        owner=work.owner,
                        journal=work.journal,
                        overwrite=job.request.overwrite,
                    )
            work.spent.uploaded_bytes += file.size
            done = work.spent.uploaded_bytes
            work.progress(100 * done / max(total, 1), bytes=done, total=total)

        await together(put(*one) for one in todo)

    def _result(self, file: File, key: str) -> Result:
        return Result(
            name=name_of(file),
            key=key,
            url=self.storage.url(key),
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
            **_of_set(file),
            **file.model_dump(include=_MEASURED, by_alias=False),
        )


def _objects(file: File, key: str) -> list[tuple[File | Member, str]]:
    """Everything that is stored for `file`, with its keys.

    What names the others comes last: a set that is seen is whole, as far as that can be.
    """
    members = file.members if isinstance(file, Output) else ()
    keys = beside(file, key) if isinstance(file, Output) else []
    return [*zip(members, keys, strict=True), (file, key)]


def _of_set(file: File) -> dict[str, Any]:
    members = file.members if isinstance(file, Output) else ()
    if not members:
        return {}
    return {
        "files": 1 + len(members),
        "total_size": file.size + sum(member.size for member in members),
    }


def _files(job: UploadJob) -> list[File]:
    return [*job.outputs, *([job.original] if job.request.keep_original else [])]


@asynccontextmanager
async def opened(settings: UploadSettings, storage: Storage) -> AsyncIterator[Upload]:
    """The stage, on a storage that its opener closes."""
    yield Upload(storage, settings.upload_files_at_once, settings.destination_root)
