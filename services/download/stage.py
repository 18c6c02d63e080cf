"""The stage: from a user's request to a file of a known kind."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.download.bucket import BucketSource, OpenBucket
from services.download.fetch import WebSource, open_session
from services.download.local import LocalSource
from services.download.settings import DownloadSettings
from services.download.sniff import sniff
from services.download.source import Fetched, Source
from shared.errors import SourceForbidden, SourceUnavailable
from shared.jobs import DownloadJob, Original, ProcessingJob
from shared.manifest import Manifest
from shared.work import Work


@dataclass(frozen=True)
class Download:
    """Fetches the source into the attempt's directory and looks what it is.

    Attributes:
        sources: the scheme of an address → where such sources come from.
        timeout_seconds: what a source may take altogether.
    """

    sources: Mapping[str, Source]
    timeout_seconds: float

    async def __call__(self, job: DownloadJob, work: Work) -> ProcessingJob:
        target = work.directory / "original"
        async with _time_limit(self.timeout_seconds):
            fetched = await self._source(job.source).fetch(job.source, target, work)
        original = _original(fetched, target, job, work)
        work.log.info("downloaded", bytes=fetched.size, media_type=original.media_type)
        return ProcessingJob(
            job_id=job.job_id,
            run=job.run,
            volume=work.volume,
            request=job.request,
            original=original,
            manifest=Manifest().with_files(original.tracked),
        )

    def _source(self, address: str) -> Source:
        scheme, colon, _ = address.partition(":")
        source = self.sources.get(scheme.lower())
        if source is None or not colon:
            known = ", ".join(f"{scheme}://" for scheme in self.sources)
            raise SourceForbidden(f"source: must begin with one of {known}")
        return source


def _original(fetched: Fetched, path: Path, job: DownloadJob, work: Work) -> Original:
    with work.opened(work.relative(path)) as file:
        media = sniff(file, called=job.source)
    return Original(
        path=work.relative(path),
        size=fetched.size,
        sha256=fetched.sha256,
        media_type=media.media_type,
        ext=media.ext,
        kind=media.kind,
    )


@asynccontextmanager
async def _time_limit(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise SourceUnavailable(
            f"source: was not complete after {seconds:g} seconds (DOWNLOAD_TIMEOUT_SECONDS)"
        ) from None


@asynccontextmanager
async def opened(
    settings: DownloadSettings, open_bucket: OpenBucket, buckets: Collection[str] = ()
) -> AsyncIterator[Download]:
    """The stage with its connections open.

    Args:
        open_bucket: makes the storage of an S3 bucket by its name.
        buckets: those that may be read beside SOURCE_BUCKETS: the storage's own.
    """
    readable = frozenset((*settings.source_buckets, *buckets))
    async with (
        open_session(settings) as session,
        aclosing(BucketSource(open_bucket, readable, settings)) as bucket,
    ):
        web = WebSource(session, settings)
        local = LocalSource(settings)
        sources: dict[str, Source] = {"https": web, "http": web, "s3": bucket, "file": local}
        yield Download(sources, settings.download_timeout_seconds)
