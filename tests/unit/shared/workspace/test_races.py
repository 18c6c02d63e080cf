"""Races between the beginning and the end of a job, as the simulation found them."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.errors import JobLocked, WorkspaceFull
from shared.storage.base import Intent
from shared.workspace import Closed, NotDue, Workspace
from shared.workspace.files import Files, Name
from tests.jobs import cleanup_job, download_job, processing_job
from tests.unit.shared.workspace.doors import begun, change_lease


def test_job_that_is_being_ended_before_it_has_a_lease_cannot_begin(workspace: Workspace) -> None:
    """Its beginning died right after the directory was made, and a cancel came first."""
    (Path(workspace.jobs) / "job.1").mkdir()
    job = cleanup_job(workspace.volume, "cancelled")
    with workspace.close(job), pytest.raises(JobLocked):
        workspace.begin(download_job())
    # The cancel's worker died before it wrote the receipt: still nobody may begin.
    with pytest.raises(JobLocked, match="being ended"):
        workspace.begin(download_job())
    with workspace.close(job) as closing:
        assert closing.receipt(job).outcome == "cancelled"
        closing.remove()
    with pytest.raises(Closed):
        workspace.begin(download_job())
    assert list(Path(workspace.jobs).iterdir()) == []


def test_job_that_begins_while_it_is_ended_has_not_ended_yet(workspace: Workspace) -> None:
    """A cancel found no directory to lock; when it wrote the receipt, there was one."""
    job = cleanup_job(workspace.volume, "cancelled")
    with workspace.close(job) as closing:
        directory = begun(workspace)
        with pytest.raises(JobLocked, match="begun while"):
            closing.receipt(job)
    with workspace.close(job) as closing:
        assert closing.receipt(job).outcome == "cancelled"
        closing.remove()
    assert not directory.exists()


class LateReceipt(Files):
    """The job begins, and stores, just before its receipt is linked."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def link(self, source: Name, target: Name) -> None:
        with self._workspace.begin(download_job()) as held:
            held.journal(Intent(key="a/k"))
        super().link(source, target)


def test_what_a_job_stored_while_it_was_ended_is_known_by_its_lease(workspace: Workspace) -> None:
    job = cleanup_job(workspace.volume, "cancelled")
    ending = Workspace(workspace.root, LateReceipt(workspace))
    ending.open()
    with ending.close(job) as closing, pytest.raises(JobLocked, match="begun while"):
        closing.receipt(job)
    lease = workspace.lease_of("job.1")
    assert lease is not None
    with workspace.close(job) as closing:
        receipt = closing.receipt(job)
        assert closing.intents()
        assert receipt.owner == lease.owner


def test_what_is_journalled_after_the_receipt_is_looked_for_once_more(workspace: Workspace) -> None:
    """A cancel's receipt was there before the job began; a put that it stopped lands late."""
    job = cleanup_job(workspace.volume, "cancelled")
    with workspace.close(job) as closing:
        with workspace.begin(download_job()) as held:
            lease = held.lease
        with pytest.raises(JobLocked, match="begun while"):
            closing.receipt(job)
    Files().append(f"{workspace.jobs}/job.1/objects.jsonl", b"\n%s\n" % Intent(key="late").encode())
    with workspace.close(job) as closing:
        receipt = closing.receipt(job)
        closing.remove()
    assert (receipt.keys, receipt.owner) == (("late",), lease.owner)
    assert workspace.receipt_of("job.1") == receipt
    with workspace.close(job) as closing:
        assert closing.receipt(job) == receipt


class LateLock(Files):
    """A cancel comes, and the worker that held the job lets go, just before this one locks it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def lock(self, path: Name) -> int | None:
        held = self._workspace.resume(processing_job(self._workspace.volume))
        with held, pytest.raises(JobLocked):
            self._workspace.close(cleanup_job(self._workspace.volume, "cancelled"))
        return super().lock(path)


def test_stage_does_not_work_on_a_job_that_was_cancelled_before_it_had_the_lock(
    workspace: Workspace,
) -> None:
    begun(workspace)
    late = Workspace(workspace.root, LateLock(workspace))
    late.open()
    with pytest.raises(Closed):
        late.resume(processing_job(workspace.volume))
    # And it has let go of the lock again.
    job = cleanup_job(workspace.volume, "cancelled")
    with workspace.close(job) as closing:
        assert closing.receipt(job).outcome == "cancelled"


def test_orphan_that_began_since_the_sweep_saw_it_does_not_expire(workspace: Workspace) -> None:
    """It had no lease for longer than the grace; then its message came at last."""
    job = cleanup_job(workspace.volume, "expired")
    directory = begun(workspace)
    with pytest.raises(NotDue):
        workspace.close(job)
    with workspace.resume(processing_job(workspace.volume)):
        pass  # it goes on, and nobody holds its lock
    change_lease(directory, deadline=workspace.now() - 1)
    with workspace.close(job) as closing:
        assert closing.receipt(job).outcome == "expired"


def test_stage_that_was_stopped_at_the_deadline_expires_its_job(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of files is coarse: for a moment it still tells the time before."""
    begun(workspace)
    lease = workspace.lease_of("job.1")
    assert lease is not None
    monkeypatch.setattr(workspace, "now", lambda: lease.deadline - 0.01)
    job = cleanup_job(workspace.volume, "expired")
    with workspace.close(job) as closing:
        assert closing.receipt(job).outcome == "expired"


def test_what_ended_is_removed_although_the_deadline_is_far(workspace: Workspace) -> None:
    """A crash came between the receipt and the removal, and the sweep found the directory."""
    directory = begun(workspace)
    failed = cleanup_job(workspace.volume, "failed")
    with workspace.close(failed) as closing:
        closing.receipt(failed)
    expired = cleanup_job(workspace.volume, "expired")
    with workspace.close(expired) as closing:
        assert closing.receipt(expired).outcome == "failed"
        closing.remove()
    assert not directory.exists()


def test_duplicate_without_room_for_a_lease_leaves_no_directory(workspace: Workspace) -> None:
    """The job ended between its first look and here, and nobody would remove it."""
    receipt = Path(workspace.closed) / "job.1.json"
    workspace.files = NoRoom(lambda _: receipt.write_bytes(b"{}"))
    with pytest.raises(WorkspaceFull):
        workspace.begin(download_job())
    assert list(Path(workspace.jobs).iterdir()) == []


def test_directory_of_a_job_that_has_no_room_for_its_lease_is_left(workspace: Workspace) -> None:
    """Another delivery may be about to begin the job in it; if none is, the sweep takes it."""
    workspace.files = NoRoom(lambda _: None)
    with pytest.raises(WorkspaceFull):
        workspace.begin(download_job())
    assert [path.name for path in Path(workspace.jobs).iterdir()] == ["job.1"]


class NoRoom(Files):
    """A disk that is full; `meanwhile` is what another worker does then."""

    def __init__(self, meanwhile: Callable[[Path], object]) -> None:
        self._meanwhile = meanwhile

    def create(self, path: Name, content: bytes) -> None:
        self._meanwhile(Path(path))
        raise WorkspaceFull


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let every longer write stop in the middle, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_file_that_does_not_fit_leaves_no_beginning(tmp_path: Path) -> None:
    with files_of_at_most(10), pytest.raises(OSError, match="too large"):
        Files().create(tmp_path / "file", b"x" * 20)
    assert list(tmp_path.iterdir()) == []
