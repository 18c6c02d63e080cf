"""What lies on the disk, as the sweep and `/health` see it."""

import os
import shutil
from pathlib import Path

import pytest

from shared.workspace import Workspace
from shared.workspace.files import Files, Name
from tests.jobs import cleanup_job, download_job, processing_job
from tests.unit.shared.workspace.doors import attempt, begun


def test_each_run_is_counted(workspace: Workspace) -> None:
    with workspace.begin(download_job("one")) as held:
        (attempt(held).directory / "file").write_bytes(b"12345")
        held.commit("download", processing_job(workspace.volume, "one"))
    begun(workspace, "two")
    one, two = workspace.survey()
    assert (one.name, one.kind, one.files, one.size, one.closed) == ("one.1", "image", 1, 5, False)
    assert (two.name, two.kind, two.files, two.size, two.closed) == ("two.1", None, 0, 0, False)
    assert one.lease is not None
    assert one.lease.job_id == "one"


def test_directory_without_lease_and_one_with_receipt(workspace: Workspace) -> None:
    (workspace.root / "jobs" / "bare.1").mkdir()
    begun(workspace, "closed")
    with workspace.close(cleanup_job(workspace.volume, job_id="closed")) as closing:
        closing.receipt(cleanup_job(workspace.volume, job_id="closed"))
    bare, closed = workspace.survey()
    assert (bare.lease, bare.closed) == (None, False)
    assert closed.closed


@pytest.mark.parametrize("content", [b"", b"[]", b'{"message": 1}', b'{"message": {}}', b"\0\0"])
def test_damaged_result_has_no_kind(workspace: Workspace, content: bytes) -> None:
    (begun(workspace) / "download.json").write_bytes(content)
    (begun(workspace) / "room").write_bytes(content)
    (job,) = workspace.survey()
    assert job.kind is None
    assert job.promised == 0


class Vanishing(Files):
    """Every directory called `vanishing.1` is gone as soon as it was listed."""

    def entries(self, path: Name) -> list[os.DirEntry[str]]:
        found = super().entries(path)
        for entry in found:
            if entry.name == "vanishing.1":
                shutil.rmtree(entry.path)
        return found


def test_directory_that_vanishes_meanwhile_is_left_out(workspace: Workspace) -> None:
    for job_id in ("a", "vanishing", "z"):
        begun(workspace, job_id)
    looking = Workspace(workspace.root, Vanishing())
    assert [job.name for job in looking.survey()] == ["a.1", "z.1"]


class Unreadable(Files):
    """A disk with a bad sector."""

    def read(self, path: Name) -> bytes:
        if "bad.1" in str(path):
            raise OSError(5, "Input/output error", str(path))
        return super().read(path)


def test_one_bad_directory_does_not_hide_the_others(workspace: Workspace) -> None:
    for job_id in ("a", "bad", "z"):
        begun(workspace, job_id)
    looking = Workspace(workspace.root, Unreadable())
    bad: list[str] = []
    found = [job.name for job in looking.survey(lambda name, _: bad.append(name))]
    assert found == ["a.1", "z.1"]
    assert bad == ["bad.1"]
    assert [job.name for job in looking.survey()] == ["a.1", "z.1"]


def test_strange_things_in_jobs_are_no_jobs(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / "jobs" / "notes").mkdir()
    (workspace.root / "jobs" / "job.0").mkdir()
    (workspace.root / "jobs" / "job.x").mkdir()
    (workspace.root / "jobs" / "link.1").symlink_to(tmp_path)
    (workspace.root / "jobs" / "file.1").touch()
    assert list(workspace.survey()) == []
