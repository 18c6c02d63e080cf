"""The doors: who may enter a job's directory, and when."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.errors import FilesLost, JobIdReused, JobLocked, OtherVolume, WorkspaceFull
from shared.workspace import Closed, Lease, Workspace
from shared.workspace.files import Files, Name
from tests.jobs import REQUEST, cleanup_job, download_job, processing_job
from tests.unit.shared.workspace.doors import another_process_holds, attempt, begun, change_lease


def end(workspace: Workspace, outcome: str = "completed", job_id: str = "job") -> None:
    with workspace.close(cleanup_job(workspace.volume, outcome, job_id)) as closing:
        closing.receipt(cleanup_job(workspace.volume, outcome, job_id))
        closing.remove()


# ── the root ─────────────────────────────────────────────────────────────────────────────────


def test_layout(workspace: Workspace) -> None:
    assert {path.name for path in workspace.root.iterdir()} == {"volume", "jobs", "closed", "trash"}


def test_volume_id_is_made_once(workspace: Workspace) -> None:
    again = Workspace(workspace.root)
    again.open()
    assert again.volume == workspace.volume
    assert len(workspace.volume) >= 16


def test_another_root_has_another_volume_id(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    other.open()
    assert other.volume != workspace.volume


# ── begin ────────────────────────────────────────────────────────────────────────────────────


def test_lease_is_written_before_any_byte(workspace: Workspace) -> None:
    job = download_job(operations=["blur"])
    with workspace.begin(job) as held:
        directory = Path(held.directory)
        assert directory == workspace.root / "jobs" / "job.1"
        assert not [path for path in directory.iterdir() if path.is_dir()]
        lease = Lease.decode((directory / "job.json").read_bytes())
        assert (lease.job_id, lease.run, lease.request) == ("job", 1, job.request)
        assert lease.deadline == pytest.approx(lease.created + 24 * 3600)
        place = attempt(held).directory
        assert place.parent == directory
        assert place.name.startswith("download.")


def test_deadline_is_the_jobs_own_where_it_has_one(workspace: Workspace) -> None:
    with workspace.begin(download_job(ttlHours=2)) as held:
        assert held.lease.deadline == pytest.approx(held.lease.created + 2 * 3600)


@pytest.mark.parametrize(
    "job_id", ["../../etc/passwd", "a/b", ".", "..", "ä", "x" * 200, "a.1", "-x", "h\n", "💥"]
)
def test_no_job_id_leads_out_of_the_directory(workspace: Workspace, job_id: str) -> None:
    with workspace.begin(download_job(job_id)) as held:
        assert Path(held.directory).parent == Path(workspace.jobs)
        assert Path(held.directory).name.startswith("h-")
        assert held.lease.job_id == job_id
    assert workspace.latest_run(job_id) == 1


def test_one_job_is_begun_as_often_as_it_comes(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        first = held.lease
    with workspace.begin(download_job()) as held:
        assert held.lease == first


def test_same_id_with_another_request_is_refused(workspace: Workspace) -> None:
    begun(workspace)
    with pytest.raises(JobIdReused, match="'job'"):
        workspace.begin(download_job(operations=["blur"]))
    with workspace.begin(download_job()):
        pass  # and the lock was let go


def test_same_id_with_another_request_is_refused_after_the_end_too(workspace: Workspace) -> None:
    begun(workspace)
    end(workspace)
    with pytest.raises(JobIdReused, match="'job'"):
        workspace.begin(download_job(operations=["blur"]))
    with pytest.raises(Closed):
        workspace.begin(download_job())


def test_next_run_is_another_directory(workspace: Workspace) -> None:
    begun(workspace)
    assert begun(workspace, run=2).name == "job.2"
    assert workspace.latest_run("job") == 2


def test_job_in_this_process_is_locked(workspace: Workspace) -> None:
    with workspace.begin(download_job()):
        with pytest.raises(JobLocked, match="'job'"):
            workspace.begin(download_job())
        with pytest.raises(JobLocked):
            workspace.resume(processing_job(workspace.volume))
        with pytest.raises(JobLocked):
            workspace.close(cleanup_job(workspace.volume))
    with workspace.resume(processing_job(workspace.volume)):
        pass


def test_job_in_another_process_is_locked_until_that_ends(workspace: Workspace) -> None:
    with another_process_holds(begun(workspace)):
        with pytest.raises(JobLocked):
            workspace.begin(download_job())
        with pytest.raises(JobLocked):
            workspace.resume(processing_job(workspace.volume))
    with workspace.resume(processing_job(workspace.volume)):
        pass


def test_lock_that_a_child_inherited_outlives_its_parents(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        lock = attempt(held).lock
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[lock])
    with child, pytest.raises(JobLocked):
        workspace.begin(download_job())
    with workspace.begin(download_job()):
        pass


def test_lock_is_not_inherited_by_accident(workspace: Workspace) -> None:
    with workspace.begin(download_job()):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)
    with child, workspace.begin(download_job()):
        pass


# ── resume ───────────────────────────────────────────────────────────────────────────────────


def test_files_of_another_volume_are_not_looked_for(workspace: Workspace) -> None:
    begun(workspace)
    with pytest.raises(OtherVolume, match=workspace.volume):
        workspace.resume(processing_job("elsewhere"))
    with pytest.raises(OtherVolume):
        workspace.close(cleanup_job("elsewhere"))
    assert (workspace.root / "jobs" / "job.1").is_dir()
    assert not workspace.receipts()


def test_missing_directory_is_files_lost(workspace: Workspace) -> None:
    shutil.rmtree(begun(workspace))
    with pytest.raises(FilesLost, match="'job'"):
        workspace.resume(processing_job(workspace.volume))


def test_unmounted_volume_is_no_files_lost(workspace: Workspace) -> None:
    begun(workspace)
    workspace.root.rename(workspace.root.with_name("gone"))
    with pytest.raises(OtherVolume):
        workspace.resume(processing_job(workspace.volume))


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b'{"jobId": "job"', b"[]"])
def test_damaged_lease_is_files_lost(workspace: Workspace, content: bytes) -> None:
    (begun(workspace) / "job.json").write_bytes(content)
    for _ in range(2):  # the second time would find it locked, had the first kept the lock
        with pytest.raises(FilesLost, match="'job'"):
            workspace.resume(processing_job(workspace.volume))


@pytest.mark.parametrize("began", [True, False])
def test_ended_job_is_closed(workspace: Workspace, began: bool) -> None:
    if began:
        begun(workspace)
    end(workspace)
    with pytest.raises(Closed):
        workspace.begin(download_job())
    with pytest.raises(Closed):
        workspace.resume(processing_job(workspace.volume))
    assert not list((workspace.root / "jobs").iterdir())


def test_cancelled_job_is_closed_while_its_directory_is_still_there(workspace: Workspace) -> None:
    job = cleanup_job(workspace.volume, "cancelled")
    with workspace.begin(download_job()) as held:
        with pytest.raises(JobLocked):
            workspace.close(job)
        assert held.closed
    for _ in range(2):  # and the lock was let go
        with pytest.raises(Closed):
            workspace.resume(processing_job(workspace.volume))
    with workspace.close(job):
        pass


def test_only_cancelling_writes_a_receipt_without_the_lock(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        for outcome in ("completed", "failed", "expired"):
            with pytest.raises(JobLocked):
                workspace.close(cleanup_job(workspace.volume, outcome))
        assert not held.closed


class Interrupted(Files):
    """Does something else just before a directory is made."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def make_directory(self, path: Name) -> None:
        end(self._workspace)
        super().make_directory(path)


def test_job_that_ends_while_it_is_begun_leaves_nothing(workspace: Workspace) -> None:
    racing = Workspace(workspace.root, Interrupted(workspace))
    racing.open()
    with pytest.raises(Closed):
        racing.begin(download_job())
    assert not list((workspace.root / "jobs").iterdir())
    assert not list((workspace.root / "trash").iterdir())


class Full(Files):
    """A disk without room for another file, or only for a part of one."""

    def create(self, path: Name, content: bytes) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        raise WorkspaceFull


def test_job_whose_lease_found_no_room_can_be_begun_later(workspace: Workspace) -> None:
    full = Workspace(workspace.root, Full())
    full.open()
    with pytest.raises(WorkspaceFull):
        full.begin(download_job())
    with workspace.begin(download_job()) as held:
        assert held.lease.job_id == "job"


# ── deadline ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wrong_by_seconds", [-10 * 86400, 10 * 86400])
def test_deadline_follows_the_volumes_clock_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, wrong_by_seconds: float
) -> None:
    real = workspace.root.stat().st_mtime
    monkeypatch.setattr("time.time", lambda: real + wrong_by_seconds)
    directory = begun(workspace)
    with workspace.begin(download_job()) as held:
        attempt(held)
        assert abs(held.lease.created - real) < 3600
        assert not held.overdue
    change_lease(directory, deadline=real - 1)
    with workspace.begin(download_job()) as held:
        attempt(held)
        assert held.overdue


def test_now_is_the_volumes_clock(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    made = workspace.root / "made"
    made.touch()
    assert workspace.now() == pytest.approx(made.stat().st_mtime, abs=60)


# ── looking ──────────────────────────────────────────────────────────────────────────────────


def test_latest_run_counts_directories_and_receipts(workspace: Workspace) -> None:
    assert workspace.latest_run("job") is None
    begun(workspace, run=3)
    begun(workspace, job_id="job-2", run=8)
    end(workspace)
    assert workspace.latest_run("job") == 3
    with workspace.close(cleanup_job(workspace.volume, run=11)) as closing:
        closing.receipt(cleanup_job(workspace.volume, run=11))
    assert workspace.latest_run("job") == 11


def test_the_note_of_a_redrive_counts_until_the_run_begins(workspace: Workspace) -> None:
    begun(workspace)
    for _ in range(2):
        workspace.note_redrive("job", 2)
        assert workspace.latest_run("job") == 2
    assert workspace.redriven("job.2") == pytest.approx(workspace.now(), abs=60)

    begun(workspace, run=2)
    workspace.note_redrive("job", 2)
    assert (workspace.redriven("job.2"), workspace.redrives()) == (None, [])
    assert workspace.strangers() == []


def test_the_next_run_is_one_that_is_not_given_up(workspace: Workspace) -> None:
    assert workspace.next_run("job", 1) == 2
    for run, outcome in ((2, "cancelled"), (3, "expired"), (4, "failed")):
        job = cleanup_job(workspace.volume, outcome, run=run)
        assert workspace.next_run("job", 1) == run
        with workspace.close(job) as closing:
            closing.receipt(job)
    assert workspace.next_run("job", 1) == 4
    assert workspace.next_run("job", 4) == 5


def test_a_run_that_waits_is_asked_for_what_the_one_before_was(workspace: Workspace) -> None:
    assert workspace.request_of("job", 1) is None
    begun(workspace)
    assert workspace.request_of("job", 1) == REQUEST
    job = cleanup_job(workspace.volume, "failed")
    with workspace.close(job) as closing:
        closing.receipt(job)
    assert workspace.request_of("job", 2) == REQUEST


def test_strangers_are_named_and_ours_are_not(workspace: Workspace) -> None:
    begun(workspace)
    workspace.note_sweep({})
    (workspace.root / "lost+found").mkdir()
    (workspace.root / "jobs" / "notes.txt").touch()
    (workspace.root / "jobs" / "file.1").touch()
    (workspace.root / "jobs" / "link.1").symlink_to("/")
    assert sorted(workspace.strangers()) == [
        "jobs/file.1",
        "jobs/link.1",
        "jobs/notes.txt",
        "lost+found",
    ]


def test_last_sweep_is_what_was_noted(workspace: Workspace) -> None:
    assert workspace.last_sweep() == {}
    workspace.note_sweep({"orphansRemoved": 1})
    workspace.note_sweep({"orphansRemoved": 2})
    assert workspace.last_sweep() == {"orphansRemoved": 2}
    assert not list((workspace.root / "trash").iterdir())
