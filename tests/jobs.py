"""Jobs to test with: made the way users and stages make them."""

from typing import Any

from shared.jobs import (
    CleanupJob,
    Cost,
    DownloadJob,
    Original,
    Output,
    ProcessingJob,
    Request,
    UploadJob,
)
from shared.manifest import Manifest

REQUEST = Request(source="https://example.com/photo.jpg", metadata={"userId": "42"})


def download_job(job_id: str = "job", run: int = 1, **fields: Any) -> DownloadJob:
    asked = {"source": REQUEST.source, "metadata": REQUEST.metadata, **fields}
    return DownloadJob.parse({"jobId": job_id, "run": run, **asked})


def original(path: str = "download.1/original", size: int = 10) -> Original:
    return Original(
        path=path, size=size, sha256="0" * 64, media_type="image/jpeg", ext="jpg", kind="image"
    )


def output(path: str = "process.1/small.webp", name: str = "small", size: int = 5) -> Output:
    return Output(
        name=name, ext="webp", path=path, size=size, sha256="1" * 64, media_type="image/webp"
    )


def processing_job(volume: str, job_id: str = "job", run: int = 1) -> ProcessingJob:
    return ProcessingJob(
        job_id=job_id,
        run=run,
        volume=volume,
        request=REQUEST,
        original=original(),
        manifest=Manifest().with_files(original().tracked),
    )


def upload_job(volume: str, job_id: str = "job", run: int = 1, outputs: int = 1) -> UploadJob:
    made = tuple(output(f"process.1/{number}.webp", f"n{number}") for number in range(outputs))
    return UploadJob(
        job_id=job_id,
        run=run,
        volume=volume,
        request=REQUEST,
        original=original(),
        outputs=made,
        manifest=Manifest().with_files(original().tracked, *(one.tracked for one in made)),
    )


def cleanup_job(
    volume: str, outcome: Any = "completed", job_id: str = "job", run: int = 1, **fields: Any
) -> CleanupJob:
    fields = {"request": REQUEST, **fields}
    return CleanupJob(job_id=job_id, run=run, volume=volume, outcome=outcome, **fields)


def cost(stage: Any, **spent: Any) -> Cost:
    return Cost(stage=stage, **spent)
