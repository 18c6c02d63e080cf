"""Objects that a run had put and must not have, looked for once more."""

from pathlib import Path

from shared.storage.base import Owner
from tests.flow import Flow
from tests.unit.services.cleanup.sweep.lane import HOUR, MINUTE, failed_run, put, sweep_of


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
