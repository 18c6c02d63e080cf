"""A lane to sweep: jobs, receipts and objects of some age in it."""

import hashlib
import os
from pathlib import Path
from typing import Any

from services.cleanup.sweep import Sweep
from shared.jobs import CleanupJob
from shared.storage.base import Intent, Owner, Storage
from shared.workspace import Workspace
from tests.flow import CONTENT, Flow
from tests.jobs import cleanup_job, download_job
from tests.unit.shared.workspace.doors import begun, change_lease
from tests.waiting import until

MINUTE = 60.0


HOUR = 3600.0


def sweep_of(one: Flow, workspace: Workspace | None = None, storage: Any = None) -> Sweep:
    return Sweep(workspace or one.workspace, storage or one.storage, one.broker, one.lane)


def age(path: Path, seconds: float) -> Path:
    """Make `path` older than it is."""
    now = path.stat(follow_symlinks=False).st_mtime
    os.utime(path, (now - seconds, now - seconds), follow_symlinks=False)
    return path


def overdue(one: Flow, job_id: str, **fields: Any) -> Path:
    directory = begun(one.workspace, job_id, **fields)
    change_lease(directory, deadline=one.workspace.now() - 1)
    return directory


async def expired(one: Flow, count: int) -> list[CleanupJob]:
    """What was published to cleanup."""
    assert await one.broker.depth(one.lane.queue("cleanup")) == count
    found: list[Any] = []
    subscription = await one.broker.subscribe(one.lane.queue("cleanup"), 100, found.append)
    await until(lambda: len(found) >= count)
    await subscription.cancel()
    return [CleanupJob.decode(delivery.message.body) for delivery in found]


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def ended(one: Flow, job_id: str, seconds: float, outcome: str = "completed", **more: Any) -> Path:
    """The receipt of a job that ended some time ago."""
    job = cleanup_job(one.workspace.volume, outcome, job_id, **more)
    with one.workspace.close(job) as closing:
        closing.receipt(job)
    return age(Path(one.workspace.closed) / f"{job_id}.1.json", seconds)


async def put(storage: Storage, tmp_path: Path, key: str, owner: Owner) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    await storage.put(
        key,
        source,
        media_type="image/jpeg",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        owner=owner,
        journal=lambda _: None,
    )


async def failed_run(
    one: Flow, tmp_path: Path, job_id: str, seconds: float, **request: Any
) -> None:
    """A failed job, one of whose PUTs landed after its sender died; and what is not its own."""
    with one.workspace.begin(download_job(job_id, **request)) as held:
        for name in ("mine", "other-run", "other-job", "never-put"):
            held.journal(Intent(key=f"{job_id}/{name}"))
        owner = held.lease.owner
    job = cleanup_job(one.workspace.volume, "failed", job_id, request=None)
    with one.workspace.close(job) as closing:
        closing.receipt(job)
        closing.remove()
    age(Path(one.workspace.closed) / f"{job_id}.1.json", seconds)
    await put(one.storage, tmp_path, f"{job_id}/mine", owner)
    await put(one.storage, tmp_path, f"{job_id}/other-run", Owner(job_id=job_id, run=2))
    await put(one.storage, tmp_path, f"{job_id}/other-job", Owner(job_id="another", run=1))
