"""Upload jobs for tests, with real files."""

import hashlib
from pathlib import Path
from typing import Any

from shared.jobs import Member, Original, Output, Request, UploadJob


def job(outputs: tuple[Output, ...], original: Original, **request: Any) -> UploadJob:
    job_id = request.pop("job_id", "job-1")
    wanted = Request.model_validate({"source": "https://example.com/a.jpg", **request})
    return UploadJob(
        job_id=job_id, run=2, volume="v", request=wanted, outputs=outputs, original=original
    )


def output(name: str, ext: str, content: bytes, folder: Path | None = None) -> Output:
    return Output(
        name=name,
        ext=ext,
        path=written(folder, f"{name}.{ext}", content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type=f"image/{ext}",
        width=640,
        height=480,
        engine="pillow 13.0.0",
    )


def original(content: bytes, folder: Path | None = None) -> Original:
    return Original(
        path=written(folder, "original", content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type="image/jpeg",
        ext="jpg",
        kind="image",
    )


def written(folder: Path | None, name: str, content: bytes) -> str:
    if folder:
        (folder / name).write_bytes(content)
    return f"{folder.name if folder else 'process.0'}/{name}"


def streaming_set(name: str, files: dict[str, bytes], folder: Path) -> Output:
    """An output that is a set; the first of `files` (by relative name) names the others."""
    paths = {relative: folder / name / relative for relative in files}
    for relative, content in files.items():
        paths[relative].parent.mkdir(parents=True, exist_ok=True)
        paths[relative].write_bytes(content)
    members = [
        Member(
            path=f"{folder.name}/{name}/{relative}",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            media_type="application/octet-stream",
        )
        for relative, content in files.items()
    ]
    first, *others = members
    return Output(name=name, ext="m3u8", members=tuple(others), **first.model_dump(by_alias=False))
