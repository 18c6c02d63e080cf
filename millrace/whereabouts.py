"""Where a job is, told by what lies on the volume: its lease, its results, its receipt.

A run that was redriven has none of these before it begins; the redrive's note stands for it.
"""

import datetime
from contextlib import suppress
from typing import Literal

from pydantic import Field

from shared.errors import MillraceError
from shared.jobs import ErrorReport, Outcome, Result, Stage
from shared.outlet import NEXT
from shared.wire import Wire
from shared.workspace import Committed, Lease, Workspace

State = Literal["waiting", "begun", "ending"] | Outcome


class NoSuchJob(MillraceError):
    """No such job is known here."""


class Whereabouts(Wire):
    """What is known of a job's latest run.

    Attributes:
        state: `waiting` for its stage, `begun` there (it may wait for another attempt), `ending`
            while its files are being removed, or its outcome.
        stage: the stage that it is in; absent once it has ended.
        since: when it came into this state.
        deadline: when it expires if it has not ended.
    """

    job_id: str
    run: int
    state: State
    stage: Stage | None = None
    since: datetime.datetime
    source: str | None = None
    deadline: datetime.datetime | None = None
    error: ErrorReport | None = None
    results: tuple[Result, ...] = Field(default=())


def find(workspace: Workspace, job_id: str) -> Whereabouts:
    """Where the latest run of the job is.

    Raises:
        NoSuchJob: there is no trace of it on this volume.
    """
    run = workspace.latest_run(job_id)
    found = _found(workspace, job_id, run) if run else None
    if found is None:
        raise NoSuchJob(f"nothing is known of a job '{job_id}' here: not begun, or long forgotten")
    return found


def _found(workspace: Workspace, job_id: str, run: int) -> Whereabouts | None:
    name = workspace.name_of(job_id, run)
    # First of all: it goes after the run has got its lease.
    redriven = workspace.redriven(name)
    with suppress(FileNotFoundError):
        found = _ended(workspace, name) or _under_way(workspace, name, run)
        return found or _redriven(workspace, job_id, run, redriven)
    # Its directory went while it was looked at: it has just ended.
    return _ended(workspace, name)


def _ended(workspace: Workspace, name: str) -> Whereabouts | None:
    receipt = workspace.receipt_of(name)
    if receipt is None:
        return None
    gone = not workspace.files.exists(f"{workspace.jobs}/{name}")
    end = receipt.event
    return Whereabouts(
        job_id=receipt.job_id,
        run=receipt.run,
        state=receipt.outcome if gone else "ending",
        stage=None if gone else "cleanup",
        since=_when(workspace.files.modified(f"{workspace.closed}/{name}.json")),
        source=receipt.request.source if receipt.request else None,
        error=end.error if end else None,
        results=end.results if end else (),
    )


def _under_way(workspace: Workspace, name: str, run: int) -> Whereabouts | None:
    lease = workspace.lease_of(name)
    if lease is None:
        return None
    stage, entered = _stage(workspace, name, lease)
    # Every attempt touches the lease.
    began = workspace.files.modified(f"{workspace.jobs}/{name}/job.json")
    return Whereabouts(
        job_id=lease.job_id,
        run=run,
        state="begun" if began > entered or _has_attempt(workspace, name, stage) else "waiting",
        stage=stage,
        since=_when(max(began, entered)),
        source=lease.request.source,
        deadline=_when(lease.deadline),
    )


def _redriven(
    workspace: Workspace, job_id: str, run: int, since: float | None
) -> Whereabouts | None:
    """A run that waits for its download to begin."""
    if since is None:
        return None
    request = workspace.request_of(job_id, run)
    return Whereabouts(
        job_id=job_id,
        run=run,
        state="waiting",
        stage="download",
        since=_when(since),
        source=request.source if request else None,
    )


def _stage(workspace: Workspace, name: str, lease: Lease) -> tuple[Stage, float]:
    """The stage that the last committed result leads to, and when it was committed."""
    for stage in ("upload", "process", "download"):
        path = f"{workspace.jobs}/{name}/{stage}.json"
        with suppress(FileNotFoundError):
            result = Committed.decode(workspace.files.read(path))
            return NEXT[type(result)], workspace.files.modified(path)
    return "download", lease.created


def _has_attempt(workspace: Workspace, name: str, stage: Stage) -> bool:
    """Whether the stage has made a directory: the clock is too coarse for short stages."""
    entries = workspace.files.entries(f"{workspace.jobs}/{name}")
    return any(
        entry.name.startswith(f"{stage}.") and entry.is_dir(follow_symlinks=False)
        for entry in entries
    )


def _when(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
