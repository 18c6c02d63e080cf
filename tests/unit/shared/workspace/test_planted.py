"""Links, pipes and devices planted in the work directory: nothing outside it is touched, nor waited for."""

import asyncio
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from shared.errors import MillraceError
from shared.jobs import CleanupJob, DownloadJob
from shared.storage.base import Intent
from shared.workspace import Closed, Workspace
from shared.workspace.closing import Closing

pytestmark = pytest.mark.timeout(30)

JOB = DownloadJob(job_id="job", source="https://example.com/a.jpg")
LOG = structlog.get_logger()

# What is planted, given what lies outside.


def link_to_folder(place: Path, outside: Path) -> None:
    place.symlink_to(outside)


def link_to_file(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "secret")


def link_to_nothing(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "new")


def hard_link(place: Path, outside: Path) -> None:
    place.hardlink_to(outside / "secret")


def pipe(place: Path, outside: Path) -> None:
    os.mkfifo(place)


def device(place: Path, outside: Path) -> None:
    """A terminal or /dev/zero would be read for ever; where none may be made, a socket."""
    try:
        os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(place))


Plant = Callable[[Path, Path], None]
PLANTS: list[Plant] = [
    link_to_folder,
    link_to_file,
    link_to_nothing,
    hard_link,
    pipe,
    device,
]
PLACES = [
    "jobs/job.1",
    "jobs/job.1/job.json",
    "jobs/job.1/room",
    "jobs/job.1/objects.jsonl",
    "jobs/job.1/download.json",
    "jobs/job.1/download.failures",
    "jobs/job.1/download.abc",
    "jobs/job.1/download.abc/original",
    "closed/job.1.json",
    "trash/job.1.abc",
    "trash/impostor",
    "sweep.json",
]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file, which must be the same at the end, also in its times."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "file").write_bytes(b"file")
    before = everything(folder)
    yield folder
    assert everything(folder) == before


def everything(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_mode, status.st_mtime_ns, content)
    return found


def work_on(workspace: Workspace) -> None:
    """All that a stage does with the job's directory."""
    with workspace.begin(JOB) as held:
        work = held.attempt("download", LOG, lambda *_: None)
        work.directory.joinpath("original").write_bytes(b"x")
        asyncio.run(held.reserve(10))
        held.journal(Intent(key="a"))
        held.note_failure("download", held.failures("download") + 1)
        held.intents()
        held.committed("download")
        held.commit("download", ending(workspace))
        work.locate("download.abc/original")


def end(workspace: Workspace) -> None:
    """All that cleanup does with it."""
    with workspace.close(ending(workspace)) as closing:
        assert isinstance(closing, Closing)
        closing.attempt("cleanup", LOG, lambda *_: None)
        closing.receipt(ending(workspace))
        closing.remove()


def look(workspace: Workspace) -> None:
    """What `/health`, the sweep and `millrace stats` do."""
    for job in workspace.survey():
        workspace.receipt_of(job.name)
    workspace.strangers()
    workspace.last_sweep()


def ending(workspace: Workspace) -> CleanupJob:
    return CleanupJob(job_id="job", run=1, volume=workspace.volume, outcome="failed")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("act", [work_on, end, look])
def test_nothing_outside_is_touched_and_nothing_waited_for(
    workspace: Workspace,
    outside: Path,
    act: Callable[[Workspace], None],
    plant: Plant,
    place: str,
) -> None:
    if place.count("/") > 1:
        with workspace.begin(JOB):
            pass
    path = workspace.root / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    plant(path, outside)
    with suppress(MillraceError, Closed, OSError, ValueError):
        act(workspace)


@pytest.mark.parametrize("plant", PLANTS)
def test_a_job_whose_place_was_taken_is_worked_on_and_ended_all_the_same(
    workspace: Workspace, outside: Path, plant: Plant
) -> None:
    place = workspace.root / "jobs" / "job.1"
    plant(place, outside)
    with workspace.begin(JOB) as held:
        assert Path(held.directory).is_dir()
        assert not place.is_symlink()
    place.rename(workspace.root / "away")
    plant(place, outside)
    end(workspace)
    assert not os.path.lexists(place)
