"""One entry's trouble is that entry's alone."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from shared.errors import StorageUnavailable
from shared.storage.memory import MemoryStorage
from shared.workspace import Workspace
from shared.workspace.files import Files, Name
from tests.flow import Flow
from tests.unit.services.cleanup.sweep.lane import (
    HOUR,
    age,
    everything,
    expired,
    failed_run,
    overdue,
    sweep_of,
)


class Troubled(Files):
    """One entry cannot be read, another vanishes while it is looked at."""

    def read(self, path: Name) -> bytes:
        if "broken.1" in str(path):
            raise OSError(5, "Input/output error")
        if "vanishing.1" in str(path):
            shutil.rmtree(Path(path).parent, ignore_errors=True)
        return super().read(path)


async def test_one_entry_does_not_end_the_sweep(one: Flow) -> None:
    for job_id in ("a", "broken", "vanishing", "z"):
        overdue(one, job_id)
    workspace = Workspace(one.workspace.root, Troubled())
    workspace.open()
    report = await sweep_of(one, workspace).run()
    assert report.orphans == ["a.1", "z.1"]
    assert [error.partition(":")[0] for error in report.errors] == ["broken.1"]
    assert {job.job_id for job in await expired(one, 2)} == {"a", "z"}
    assert (Path(one.workspace.jobs) / "broken.1").is_dir()


async def test_broker_that_is_away_is_an_error_of_each_orphan(one: Flow) -> None:
    for job_id in ("a", "b"):
        overdue(one, job_id)
    one.broker.refuses = lambda _: True  # type: ignore[attr-defined]
    report = await sweep_of(one).run()
    assert [error.partition(":")[0] for error in report.errors] == ["a.1", "b.1"]


async def test_unknown_entries_are_reported_and_left(one: Flow, tmp_path: Path) -> None:
    root = one.workspace.root
    (tmp_path / "precious").mkdir()
    for name in ("lost+found", "jobs/notes", "jobs/job.x"):
        age(_folder(root / name), 99 * HOUR)
    (root / "jobs" / "link.1").symlink_to(tmp_path / "precious")
    age(root / "jobs" / "link.1", 99 * HOUR)
    before = everything(root)
    report = await sweep_of(one).run()
    assert sorted(report.unknown) == ["jobs/job.x", "jobs/link.1", "jobs/notes", "lost+found"]
    assert report.orphans == []
    assert everything(root) - before == {"sweep.json"}
    assert before <= everything(root)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize("what", ["root", "jobs", "closed", "trash", "volume"])
async def test_unmounted_root_is_an_error_and_nothing_else(one: Flow, what: str) -> None:
    overdue(one, "late")
    root = one.workspace.root
    (root if what == "root" else root / what).rename(root.parent / "unmounted")
    before = everything(root.parent)
    with pytest.raises(OSError, match="No such file"):
        await sweep_of(one).run()
    assert everything(root.parent) == before


async def test_storage_that_is_away_deletes_nothing(one: Flow, tmp_path: Path) -> None:
    class Away(MemoryStorage):
        async def stat(self, key: str) -> Any:
            raise StorageUnavailable("The bucket cannot be reached.")

    await failed_run(one, tmp_path, "a", 2 * HOUR)
    await failed_run(one, tmp_path, "b", 49 * HOUR)
    report = await sweep_of(one, storage=Away()).run()
    assert len(report.errors) == 2
    assert "cannot be reached" in report.errors[0]
    assert report.objects == report.receipts == []
    assert len(one.workspace.receipts()) == 2
