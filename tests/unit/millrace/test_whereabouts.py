from pathlib import Path

import pytest

from millrace.whereabouts import NoSuchJob, Whereabouts, find
from shared.jobs import ErrorReport
from shared.workspace import Workspace
from tests.jobs import REQUEST, cleanup_job, download_job, processing_job, upload_job

FAILURE = ErrorReport(error="CorruptMedia", message="The file is damaged.", stage="process")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.open()
    return workspace


def place(found: Whereabouts) -> tuple[str, str | None]:
    return found.state, found.stage


def test_a_job_that_nobody_has_begun_is_not_known(workspace: Workspace) -> None:
    with pytest.raises(NoSuchJob, match="'job'"):
        find(workspace, "job")


def test_a_begun_job_is_in_download(workspace: Workspace) -> None:
    with workspace.begin(download_job()):
        found = find(workspace, "job")

    assert found.stage == "download"
    assert found.source == REQUEST.source
    assert found.deadline is not None
    assert (found.deadline - found.since).total_seconds() == pytest.approx(24 * 3600, abs=60)


def test_a_committed_result_leads_to_the_next_stage(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        held.commit("download", processing_job(workspace.volume))
        assert place(find(workspace, "job")) == ("waiting", "process")

        held.commit("process", upload_job(workspace.volume))
        assert place(find(workspace, "job")) == ("waiting", "upload")


def test_an_attempt_has_begun(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        held.commit("download", processing_job(workspace.volume))
        held.make_attempt_directory("process")

    assert place(find(workspace, "job")) == ("begun", "process")


def test_a_failed_stage_leads_to_cleanup(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        held.commit("download", processing_job(workspace.volume))
        held.commit("process", cleanup_job(workspace.volume, "failed", error=FAILURE))

    assert place(find(workspace, "job")) == ("waiting", "cleanup")


def test_an_ended_job_tells_how(workspace: Workspace) -> None:
    workspace.begin(download_job()).__exit__(None, None, None)
    end = cleanup_job(workspace.volume, "failed", error=FAILURE)
    with workspace.close(end) as closing:
        closing.receipt(end)
        assert place(find(workspace, "job")) == ("ending", "cleanup")
        closing.remove()

    found = find(workspace, "job")
    assert place(found) == ("failed", None)
    assert found.error == FAILURE


def test_a_redriven_run_waits_for_its_download(workspace: Workspace) -> None:
    end = cleanup_job(workspace.volume, "failed", error=FAILURE)
    with workspace.close(end) as closing:
        closing.receipt(end)
    workspace.note_redrive("job", 2)

    found = find(workspace, "job")
    assert (found.run, *place(found)) == (2, "waiting", "download")
    assert found.source == REQUEST.source
    assert found.deadline is None


def test_the_latest_run_counts(workspace: Workspace) -> None:
    for run in (1, 2):
        workspace.begin(download_job(run=run)).__exit__(None, None, None)

    assert find(workspace, "job").run == 2
