"""What becomes of orphans."""

from dataclasses import asdict
from pathlib import Path

from services.cleanup.sweep import SweepReport
from tests.flow import Flow, flow
from tests.jobs import cleanup_job, download_job
from tests.unit.services.cleanup.sweep.lane import HOUR, MINUTE, age, expired, overdue, sweep_of
from tests.unit.shared.workspace.doors import another_process_holds, begun
from tests.waiting import until


async def test_orphan_past_its_deadline_is_handed_to_cleanup(one: Flow) -> None:
    directory = overdue(one, "late", operations=["blur"])
    report = await sweep_of(one).run()
    assert report.orphans == ["late.1"]
    (job,) = await expired(one, 1)
    assert (job.job_id, job.run, job.outcome) == ("late", 1, "expired")
    assert job.volume == one.workspace.volume
    assert job.request == download_job(operations=["blur"]).request
    assert directory.is_dir(), "the sweep deletes no job by itself"


async def test_job_id_that_is_no_name_comes_from_the_lease(one: Flow) -> None:
    overdue(one, "käse/1", run=3)
    await sweep_of(one).run()
    (job,) = await expired(one, 1)
    assert (job.job_id, job.run) == ("käse/1", 3)


async def test_directory_without_lease_goes_after_the_grace(one: Flow) -> None:
    jobs = Path(one.workspace.jobs)
    (jobs / "old.2").mkdir()
    age(jobs / "old.2", 61 * MINUTE)
    (jobs / "young.1").mkdir()
    age(jobs / "young.1", 59 * MINUTE)
    report = await sweep_of(one).run()
    assert report.orphans == ["old.2"]
    (job,) = await expired(one, 1)
    assert (job.job_id, job.run, job.request) == ("old", 2, None)


async def test_damaged_lease_counts_as_none(one: Flow) -> None:
    directory = begun(one.workspace, "damaged")
    (directory / "job.json").write_bytes(b"\0" * 50)
    age(directory, 2 * HOUR)
    assert (await sweep_of(one).run()).orphans == ["damaged.1"]


async def test_job_that_ended_but_is_still_there_goes_after_the_grace(one: Flow) -> None:
    for job_id, minutes in (("old", 61), ("young", 1)):
        directory = begun(one.workspace, job_id)
        with one.workspace.close(cleanup_job(one.workspace.volume, job_id=job_id)) as closing:
            closing.receipt(cleanup_job(one.workspace.volume, job_id=job_id))
        age(directory, minutes * MINUTE)
    assert (await sweep_of(one).run()).orphans == ["old.1"]


async def test_living_jobs_are_left_alone(one: Flow) -> None:
    """Also very old ones, and those that wait: their deadline alone counts."""
    directory = age(begun(one.workspace, "old"), 20 * HOUR)
    working = begun(one.workspace, "working")
    with another_process_holds(working):
        report = await sweep_of(one).run()
    assert asdict(report) == asdict(SweepReport())
    assert directory.is_dir()
    assert await one.broker.depth(one.lane.queue("cleanup")) == 0


async def test_orphans_are_gone_in_the_end(tmp_path: Path) -> None:
    async with flow(tmp_path, start=("cleanup",)) as running:
        directory = overdue(running, "late")
        (directory / "download.1").mkdir()
        (directory / "download.1" / "part").write_bytes(b"x" * 100)
        (Path(running.workspace.jobs) / "bare.1").mkdir()
        age(Path(running.workspace.jobs) / "bare.1", 2 * HOUR)
        await sweep_of(running).run()
        end = await running.end_of("late")
        assert (end["outcome"], end["receipt"]["bytesRemoved"]) == ("expired", 100)
        assert (await running.end_of("bare"))["outcome"] == "expired"
        await running.quiet()
        assert running.left() == []


async def test_worker_that_still_has_the_job_is_waited_for(tmp_path: Path) -> None:
    async with flow(tmp_path, start=("cleanup",)) as running:
        with another_process_holds(overdue(running, "late")):
            await sweep_of(running).run()
            await until(lambda: postponed(running) > 1)
            assert (Path(running.workspace.jobs) / "late.1").is_dir()
        await running.end_of("late")


def postponed(one: Flow) -> int:
    value = one.metrics["cleanup"].registry.get_sample_value
    labels = {"stage": "cleanup", "error": "JobLocked"}
    return int(value("millrace_postponed_total", labels) or 0)
