"""Objects that a run had put and must not have, looked for once more."""

from pathlib import Path

from shared.storage.base import Intent, Owner
from shared.storage.memory import MemoryStorage
from tests.flow import Flow
from tests.jobs import download_job
from tests.unit.services.cleanup.sweep.lane import (
    HOUR,
    MINUTE,
    age,
    ended,
    failed_run,
    put,
    sweep_of,
)


async def test_late_objects_of_failed_runs_are_deleted_and_no_others(
    one: Flow, tmp_path: Path
) -> None:
    await failed_run(one, tmp_path, "old", 61 * MINUTE)
    await failed_run(one, tmp_path, "young", 59 * MINUTE)
    report = await sweep_of(one).run()
    assert report.objects == ["old/mine"]
    assert await one.keys() == [
        "old/other-job",
        "old/other-run",
        "young/mine",
        "young/other-job",
        "young/other-run",
    ]
    assert (await sweep_of(one).run()).objects == []


class Settling(MemoryStorage):
    """Notes what is settled."""

    def __init__(self) -> None:
        super().__init__()
        self.settled: list[tuple[Intent, Owner]] = []

    async def settle(self, intent: Intent, owner: Owner) -> None:
        self.settled.append((intent, owner))


async def test_upload_that_nobody_knows_is_looked_for_once_it_is_old(one: Flow) -> None:
    """It was begun, and its answer lost; then the job completed."""
    lost = Intent(key="a/film.mp4", begun="1f")
    storage = Settling()
    sweep = sweep_of(one, storage=storage)
    with one.workspace.begin(download_job("a")) as held:
        held.journal(lost)
        owner = held.lease.owner
    receipt = ended(one, "a", 59 * MINUTE)
    await sweep.run()
    assert storage.settled == []
    age(receipt, 2 * MINUTE)
    await sweep.run(dry_run=True)
    assert storage.settled == []
    await sweep.run()
    assert storage.settled == [(lost, owner)]


async def test_late_object_of_a_namesake_stays(one: Flow, tmp_path: Path) -> None:
    """Another lane's job of the same id and run, which has completed."""
    await failed_run(one, tmp_path, "old", 61 * MINUTE)
    namesake = Owner(job_id="old", run=1, token="5e2b9f0c71d3a846")
    await put(one.storage, tmp_path, "old/never-put", namesake)
    assert (await sweep_of(one).run()).objects == ["old/mine"]
    assert "old/never-put" in await one.keys()


async def test_objects_are_deleted_before_the_receipt_that_knows_them(
    one: Flow, tmp_path: Path
) -> None:
    await failed_run(one, tmp_path, "old", 49 * HOUR)
    report = await sweep_of(one).run()
    assert (report.objects, report.receipts) == (["old/mine"], ["old.1.json"])


async def test_objects_of_a_run_that_may_overwrite_stay(one: Flow, tmp_path: Path) -> None:
    await failed_run(one, tmp_path, "over", 2 * HOUR, overwrite=True)
    report = await sweep_of(one).run()
    assert report.objects == []
    assert "over/mine" in await one.keys()
