"""A job under its lock: one result for each stage, attempts, the journal."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from shared.errors import FilesLost, WorkspaceFull
from shared.jobs import ProcessingJob
from shared.storage.base import Intent
from shared.workspace import Workspace
from shared.workspace.files import Files, Name
from tests.jobs import cleanup_job, cost, download_job, processing_job
from tests.unit.shared.workspace.doors import attempt, begun


def result(workspace: Workspace, seconds: float) -> ProcessingJob:
    return processing_job(workspace.volume).costing(cost("download", seconds=seconds))


def test_nothing_is_committed_at_first(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        assert held.committed("download") is None


def test_first_result_wins_for_ever(workspace: Workspace) -> None:
    first, second = result(workspace, 1), result(workspace, 2)
    with workspace.begin(download_job()) as held:
        assert held.commit("download", first) == first
        assert held.commit("download", second) == first
    with workspace.begin(download_job()) as held:
        assert held.committed("download") == first
        assert held.committed("process") is None


def test_failure_is_a_result_like_any_other(workspace: Workspace) -> None:
    failure = cleanup_job(workspace.volume, "failed")
    with workspace.begin(download_job()) as held:
        held.commit("download", failure)
        assert held.commit("download", result(workspace, 1)) == failure
        assert held.committed("download") == failure


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 64, b"[]", b'{"type":"Nothing","message":{}}', b'{"type":"UploadJob"}']
)
def test_damaged_result_is_files_lost(workspace: Workspace, content: bytes) -> None:
    with workspace.begin(download_job()) as held:
        held.commit("download", result(workspace, 1))
        (Path(held.directory) / "download.json").write_bytes(content)
        with pytest.raises(FilesLost):
            held.committed("download")


def test_attempt_without_files_makes_no_directory(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        attempt(held)
        assert not [path for path in Path(held.directory).iterdir() if path.is_dir()]


def test_new_attempt_removes_what_earlier_ones_of_its_stage_left(workspace: Workspace) -> None:
    with workspace.begin(download_job()) as held:
        kept = attempt(held, "process").directory
        first = attempt(held).directory
        (first / "deep").mkdir()
        (first / "deep" / "file").write_bytes(b"x")
        second = attempt(held).directory
        assert second != first
        assert not first.exists()
        assert kept.is_dir()
        assert attempt(held, "upload").relative(second / "a" / "b") == f"{second.name}/a/b"


def test_journal_is_read_by_later_attempts(workspace: Workspace) -> None:
    intents = Intent(key="a/b.webp"), Intent(key="ä.webp", token="upload 1")
    with workspace.begin(download_job()) as held:
        assert attempt(held).intents() == ()
        for intent in intents:
            attempt(held).journal(intent)
    with workspace.begin(download_job()) as held:
        assert attempt(held).intents() == intents


def test_journal_has_each_intent_once(workspace: Workspace) -> None:
    first, second = Intent(key="a.webp"), Intent(key="a.webp", token="upload 1")
    with workspace.begin(download_job()) as held:
        for intent in (first, second, first, Intent(key="b.webp"), second):
            held.journal(intent)
        assert held.intents() == (first, second, Intent(key="b.webp"))


def test_what_was_begun_stands_until_its_token_is_known(workspace: Workspace) -> None:
    small, lost = Intent(key="a.webp"), Intent(key="b.mp4", begun="1")
    begun, named = Intent(key="b.mp4", begun="2"), Intent(key="b.mp4", begun="2", token="upload")
    with workspace.begin(download_job()) as held:
        for intent in (small, lost, begun):
            held.journal(intent)
        assert held.intents() == (small, lost, begun)
        held.journal(named)
        assert held.intents() == (small, lost, named)


@pytest.mark.parametrize("torn", [b'{"key":"to', b"\0" * 40])
def test_line_that_a_crash_cut_short_costs_no_other_line(workspace: Workspace, torn: bytes) -> None:
    with workspace.begin(download_job()) as held:
        held.journal(Intent(key="before"))
        with (Path(held.directory) / "objects.jsonl").open("ab") as journal:
            journal.write(torn)
        assert held.intents() == (Intent(key="before"),)
        held.journal(Intent(key="after"))
        assert held.intents() == (Intent(key="before"), Intent(key="after"))


def test_short_writes_are_completed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nearly full disk takes a part of a write without an error."""
    real = os.write
    monkeypatch.setattr("os.write", lambda descriptor, content: real(descriptor, content[:7]))
    with workspace.begin(download_job()) as held:
        held.journal(Intent(key="a/long/key.webp"))
        held.commit("download", result(workspace, 1))
        assert held.intents() == (Intent(key="a/long/key.webp"),)
        assert held.committed("download") == result(workspace, 1)


# ── room ─────────────────────────────────────────────────────────────────────────────────────


def crowded(workspace: Workspace, room_bytes: int) -> Workspace:
    """The same root, with about this much room above the floor."""
    free, _ = workspace.space()
    floor = free - room_bytes
    full = Workspace(workspace.root, floor_bytes=floor, room_factor=2)
    full.open()
    return full


GIB = 2**30


async def test_room_is_promised_to_one_of_two_jobs(workspace: Workspace) -> None:
    workspace = crowded(workspace, 4 * GIB)
    with workspace.begin(download_job("one")) as one, workspace.begin(download_job("two")) as two:
        await attempt(one).reserve(GIB)
        with pytest.raises(WorkspaceFull, match="promised"):
            await attempt(two).reserve(int(1.5 * GIB))
        await attempt(two).reserve(GIB // 4)


async def test_refused_room_is_not_kept(workspace: Workspace) -> None:
    workspace = crowded(workspace, 4 * GIB)
    with workspace.begin(download_job("one")) as one, workspace.begin(download_job("two")) as two:
        with pytest.raises(WorkspaceFull):
            await attempt(one).reserve(3 * GIB)
        await attempt(two).reserve(GIB)


async def test_promise_is_for_the_job_in_all(workspace: Workspace) -> None:
    workspace = crowded(workspace, 4 * GIB)
    with workspace.begin(download_job()) as held:
        await attempt(held).reserve(GIB)
        await attempt(held).reserve(GIB + GIB // 2)
        with pytest.raises(WorkspaceFull):
            await attempt(held).reserve(3 * GIB)


async def test_room_of_a_job_that_ended_is_free_again(workspace: Workspace) -> None:
    workspace = crowded(workspace, 4 * GIB)
    with workspace.begin(download_job("one")) as one:
        await attempt(one).reserve(GIB)
    with workspace.close(cleanup_job(workspace.volume, job_id="one")) as closing:
        closing.remove()
    with workspace.begin(download_job("two")) as two:
        await attempt(two).reserve(int(1.5 * GIB))


class Walked(Files):
    """A directory is walked only once the event loop has done something else."""

    def __init__(self) -> None:
        self.elsewhere = threading.Event()

    def entries(self, path: Name) -> list[os.DirEntry[str]]:
        if str(path).endswith("/jobs"):
            assert self.elsewhere.wait(10), "the loop stood still"
        return super().entries(path)


async def test_other_work_goes_on_while_all_jobs_are_looked_at(workspace: Workspace) -> None:
    files = Walked()
    busy = Workspace(workspace.root, files)
    busy.open()
    with busy.begin(download_job()) as held:
        asyncio.get_running_loop().call_soon(files.elsewhere.set)
        await attempt(held).reserve(GIB)


def test_bytes_that_are_there_already_are_not_promised_twice(workspace: Workspace) -> None:
    mib = 2**20
    directory = begun(workspace)
    with workspace.begin(download_job()) as held:
        held.promise(3 * mib)
        (attempt(held).directory / "file").write_bytes(b"x" * mib)
    (job,) = workspace.survey()
    assert (job.promised, job.size) == (3 * mib, mib)
    assert workspace.outstanding() == 2 * mib
    assert directory.name == job.name


def test_low_says_whether_the_floor_is_reached(workspace: Workspace) -> None:
    assert not crowded(workspace, GIB).low
    assert crowded(workspace, -GIB).low
