"""Races between the beginning and the end of a job, as the simulation found them."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.errors import JobLocked
from shared.workspace import Closed, Workspace
from shared.workspace.files import Files
from tests.jobs import cleanup_job, download_job
from tests.unit.shared.workspace.doors import begun


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
