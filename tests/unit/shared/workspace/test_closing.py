"""The end of a job: receipt, account, removal, each step repeatable."""

import os
from pathlib import Path

import pytest

from shared.errors import FilesLost, JobLocked
from shared.jobs import ErrorReport, Outcome, Result
from shared.storage.base import Intent, Owner
from shared.workspace import Workspace
from shared.workspace.files import Files, Name
from tests.jobs import REQUEST, cleanup_job, cost, download_job
from tests.unit.shared.workspace.doors import (
    another_process_holds,
    attempt,
    begun,
    change_lease,
)

RESULT = Result(name="a", key="k", url="u", media_type="image/webp", size=1, sha256="0")
ERROR = ErrorReport(error="CorruptMedia", message="damaged", stage="process")


def with_files(workspace: Workspace, job_id: str = "job") -> Path:
    """A job with three files of 60 bytes in all, ten seconds old."""
    with workspace.begin(download_job(job_id)) as held:
        place = attempt(held).directory
        (place / "original").write_bytes(b"x" * 10)
        (place / "deep" / "er").mkdir(parents=True)
        (place / "deep" / "er" / "part").write_bytes(b"x" * 20)
        (attempt(held, "process").directory / "out").write_bytes(b"x" * 30)
        attempt(held).journal(Intent(key="a/k"))
        for file in [path for path in Path(held.directory).rglob("*") if path.is_file()]:
            status = file.stat()
            os.utime(file, (status.st_atime - 10, status.st_mtime - 10))
        return Path(held.directory)


def test_account_counts_what_lies_on_the_disk(workspace: Workspace) -> None:
    with_files(workspace)
    costs = (
        cost("download", seconds=1.5, downloaded_bytes=10, peak_memory_bytes=7),
        cost("process", seconds=2, cpu_seconds=3, peak_memory_bytes=9),
        cost("process", seconds=0.5, cpu_seconds=1),
        cost("upload", uploaded_bytes=30),
    )
    job = cleanup_job(workspace.volume, costs=costs, results=(RESULT,))
    with workspace.close(job) as closing:
        end = closing.receipt(job).end
    account = end.receipt
    assert (account.files_removed, account.bytes_removed) == (3, 60)
    assert account.seconds_per_stage == {"download": 1.5, "process": 2.5, "upload": 0}
    assert (account.cpu_seconds, account.peak_memory_bytes) == (4, 9)
    assert (account.bytes_downloaded, account.bytes_uploaded) == (10, 30)
    assert account.temporary_byte_seconds == pytest.approx(600, abs=300)
    assert (end.outcome, end.results, end.error) == ("completed", (RESULT,), None)
    assert (end.source, end.metadata) == (REQUEST.source, REQUEST.metadata)
    assert end.ended_at is not None


def test_failure_keeps_its_error_and_drops_results(workspace: Workspace) -> None:
    with_files(workspace)
    job = cleanup_job(workspace.volume, "failed", error=ERROR, results=(RESULT,))
    with workspace.close(job) as closing:
        receipt = closing.receipt(job)
    assert (receipt.end.error, receipt.end.results) == (ERROR, ())
    assert receipt.keys == ("a/k",)


@pytest.mark.parametrize(
    ("outcome", "overwrite", "keys", "kept"),
    [
        ("completed", False, (), True),
        ("failed", True, (), True),
        ("failed", False, ("a", "b"), False),
    ],
)
def test_receipt_keeps_what_was_begun_and_has_no_name(
    workspace: Workspace, outcome: Outcome, overwrite: bool, keys: tuple[str, ...], kept: bool
) -> None:
    lost = Intent(key="b", begun="1")
    with workspace.begin(download_job(overwrite=overwrite)) as held:
        for intent in (Intent(key="a"), lost, Intent(key="b", begun="2", token="upload")):
            held.journal(intent)
    request = REQUEST.model_copy(update={"overwrite": overwrite})
    job = cleanup_job(workspace.volume, outcome, request=request)
    with workspace.close(job) as closing:
        receipt = closing.receipt(job)
    assert (receipt.keys, receipt.begun) == (keys, (lost,) if kept else ())


def test_receipt_has_each_key_once(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        for intent in (Intent(key="a/k"), Intent(key="a/k", token="upload 1"), Intent(key="b")):
            held.journal(intent)
    job = cleanup_job(workspace.volume, "failed", error=ERROR)
    with workspace.close(job) as closing:
        assert closing.receipt(job).keys == ("a/k", "b")


def test_completed_jobs_keep_no_keys(workspace: Workspace) -> None:
    with_files(workspace)
    job = cleanup_job(workspace.volume)
    with workspace.close(job) as closing:
        assert closing.receipt(job).keys == ()


def test_run_that_may_overwrite_has_no_keys_to_delete(workspace: Workspace) -> None:
    request = REQUEST.model_copy(update={"overwrite": True})
    with workspace.begin(download_job(overwrite=True)) as held:
        held.journal(Intent(key="a/k"))
    job = cleanup_job(workspace.volume, "failed", request=request)
    with workspace.close(job) as closing:
        assert closing.receipt(job).keys == ()


def test_objects_are_the_runs_by_the_token_of_its_lease(workspace: Workspace) -> None:
    with_files(workspace)
    with workspace.begin(download_job()) as held:
        owner = attempt(held, "upload").owner
    job = cleanup_job(workspace.volume, "failed", error=ERROR)
    with workspace.close(job) as closing:
        assert closing.receipt(job).owner == owner
        closing.remove()
    with workspace.close(job) as closing:
        assert closing.receipt(job).owner == owner, "also when the lease is gone"


def test_lease_and_receipt_from_before_there_were_tokens(workspace: Workspace) -> None:
    directory = with_files(workspace)
    change_lease(directory, token=None)
    lease = directory / "job.json"
    lease.write_bytes(lease.read_bytes().replace(b', "token": null', b""))
    assert b"token" not in lease.read_bytes()
    job = cleanup_job(workspace.volume, "failed", error=ERROR)
    with workspace.close(job) as closing:
        assert closing.receipt(job).owner == Owner(job_id="job", run=1)
        closing.remove()
    receipt = Path(workspace.closed) / "job.1.json"
    receipt.write_bytes(receipt.read_bytes().replace(b',"token":""', b""))
    assert b"token" not in receipt.read_bytes()
    old = workspace.receipt_of("job.1")
    assert old is not None
    assert old.owner == Owner(job_id="job", run=1)


def test_first_receipt_wins(workspace: Workspace) -> None:
    with_files(workspace)
    first, second = cleanup_job(workspace.volume, "cancelled"), cleanup_job(workspace.volume)
    with workspace.close(first) as closing:
        receipt = closing.receipt(first)
    with workspace.close(second) as closing:
        assert closing.receipt(second) == receipt
    assert workspace.receipt_of("job.1") == receipt


def test_announced_receipt_is_completed_by_whoever_gets_the_lock(workspace: Workspace) -> None:
    directory = with_files(workspace)
    cancel, late = cleanup_job(workspace.volume, "cancelled"), cleanup_job(workspace.volume)
    with another_process_holds(directory), pytest.raises(JobLocked):
        workspace.close(cancel)
    announced = workspace.receipt_of("job.1")
    assert announced is not None
    with pytest.raises(FilesLost):
        _ = announced.end
    late = late.model_copy(update={"costs": (cost("download", seconds=3),), "results": (RESULT,)})
    with workspace.close(late) as closing:
        receipt = closing.receipt(late)
    assert receipt.outcome == receipt.end.outcome == "cancelled"
    assert receipt.end.results == ()
    assert receipt.end.receipt.files_removed == 3
    assert receipt.end.receipt.seconds_per_stage == {"download": 3}
    assert receipt.keys == ("a/k",)
    assert workspace.receipt_of("job.1") == receipt


@pytest.mark.parametrize("content", [b"", b"\0" * 20, b"[]"])
def test_damaged_receipt_is_written_anew(workspace: Workspace, content: bytes) -> None:
    job = cleanup_job(workspace.volume, "failed")
    (workspace.root / "closed" / "job.1.json").write_bytes(content)
    with workspace.close(job) as closing:
        receipt = closing.receipt(job)
    assert receipt.end.outcome == "failed"
    assert workspace.receipt_of("job.1") == receipt


def test_parked_is_remembered(workspace: Workspace) -> None:
    job = cleanup_job(workspace.volume, "failed")
    with workspace.close(job) as closing:
        closing.mark_parked(closing.receipt(job))
    with workspace.close(job) as closing:
        assert closing.receipt(job).parked


# ── removal ──────────────────────────────────────────────────────────────────────────────────


def remove(workspace: Workspace, job_id: str = "job") -> None:
    with workspace.close(cleanup_job(workspace.volume, job_id=job_id)) as closing:
        closing.remove()


def test_nothing_is_left(workspace: Workspace) -> None:
    with_files(workspace)
    remove(workspace)
    assert not list((workspace.root / "jobs").iterdir())
    assert not list((workspace.root / "trash").iterdir())


def test_links_are_removed_and_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    place = next(with_files(workspace).glob("download.*/"))
    (place / "directory").symlink_to(tmp_path / "precious")
    (place / "file").symlink_to(tmp_path / "precious" / "file")
    os.mkfifo(place / "pipe")
    remove(workspace)
    assert (tmp_path / "precious" / "file").exists()
    assert not list((workspace.root / "trash").iterdir())


def test_removing_twice_is_fine(workspace: Workspace) -> None:
    with_files(workspace)
    remove(workspace)
    remove(workspace)
    remove(workspace, "never-was")


def test_others_are_left_alone(workspace: Workspace) -> None:
    other = with_files(workspace, "job-2")
    begun(workspace, run=11)
    with_files(workspace)
    (workspace.root / "trash" / "job.11.beef").mkdir()
    remove(workspace)
    assert other.is_dir()
    assert (workspace.root / "jobs" / "job.11").is_dir()
    assert (workspace.root / "trash" / "job.11.beef").is_dir()


class Dies(Files):
    """Crashes at the first removal of a directory."""

    def remove_directory(self, path: Name) -> None:
        raise KeyboardInterrupt


def test_successor_finishes_what_a_crash_left_in_the_trash(workspace: Workspace) -> None:
    with_files(workspace)
    dying = Workspace(workspace.root, Dies())
    dying.open()
    with pytest.raises(KeyboardInterrupt):
        remove(dying)
    assert not list((workspace.root / "jobs").iterdir())
    assert list((workspace.root / "trash").iterdir())
    remove(workspace)
    assert not list((workspace.root / "trash").iterdir())


class Shy(Files):
    """Somebody else removes what was just listed."""

    def entries(self, path: Name) -> list[os.DirEntry[str]]:
        found = super().entries(path)
        for entry in found:
            if entry.is_file(follow_symlinks=False):
                Path(entry.path).unlink()
        return found


def test_two_may_remove_at_once(workspace: Workspace) -> None:
    with_files(workspace)
    shy = Workspace(workspace.root, Shy())
    shy.open()
    remove(shy)
    assert not list((workspace.root / "trash").iterdir())


class ReadOnly(Files):
    """A disk on which nothing may be written."""

    def create(self, path: Name, content: bytes) -> None:
        assert not Path(path).parent.is_dir(), f"{path} was written"
        super().create(path, content)


def test_duplicate_of_an_end_writes_nothing(workspace: Workspace) -> None:
    """Not even for a moment: others may be looking whether the job left anything."""
    with_files(workspace)
    job = cleanup_job(workspace.volume, "failed", error=ERROR)
    with workspace.close(job) as closing:
        unparked = closing.receipt(job)
        closing.remove()
        parked = closing.mark_parked(unparked)
    again = Workspace(workspace.root, ReadOnly())
    again.open()
    with again.close(job) as closing:
        assert closing.receipt(job) == parked
        closing.remove()
        assert closing.mark_parked(unparked) == parked
