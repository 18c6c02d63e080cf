"""The sweep: what it takes for an orphan, what it leaves alone, and what it never does itself."""

import asyncio
import datetime
import hashlib
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import CapturingLogger

from services.cleanup.settings import CleanupSettings
from services.cleanup.sweep import Sweep, SweepReport, seconds_to_next, why_orphan
from shared.errors import StorageUnavailable
from shared.jobs import CleanupJob
from shared.storage.base import Intent, Owner, Storage
from shared.storage.memory import MemoryStorage
from shared.workspace import JobOnDisk, Lease, Workspace
from shared.workspace.files import Files, Name
from tests.flow import CONTENT, Flow, flow
from tests.jobs import REQUEST, cleanup_job, download_job
from tests.unit.shared.workspace.doors import another_process_holds, begun, change_lease
from tests.waiting import until

MINUTE = 60.0
HOUR = 3600.0


def sweep_of(one: Flow, workspace: Workspace | None = None, storage: Any = None) -> Sweep:
    return Sweep(workspace or one.workspace, storage or one.storage, one.broker, one.lane)


def age(path: Path, seconds: float) -> Path:
    """Make `path` older than it is."""
    now = path.stat(follow_symlinks=False).st_mtime
    os.utime(path, (now - seconds, now - seconds), follow_symlinks=False)
    return path


def overdue(one: Flow, job_id: str, **fields: Any) -> Path:
    directory = begun(one.workspace, job_id, **fields)
    change_lease(directory, deadline=one.workspace.now() - 1)
    return directory


async def expired(one: Flow, count: int) -> list[CleanupJob]:
    """What was published to cleanup."""
    assert await one.broker.depth(one.lane.queue("cleanup")) == count
    found: list[Any] = []
    subscription = await one.broker.subscribe(one.lane.queue("cleanup"), 100, found.append)
    await until(lambda: len(found) >= count)
    await subscription.cancel()
    return [CleanupJob.decode(delivery.message.body) for delivery in found]


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


# ── the decision ─────────────────────────────────────────────────────────────────────────────

LEASE = Lease(job_id="a", run=1, request=REQUEST, digest="d", created=1000, deadline=9000)


@pytest.mark.parametrize(
    ("lease", "closed", "modified", "now", "reason"),
    [
        (LEASE, False, 1000, 8999, None),
        (LEASE, False, 1000, 9001, "past its deadline"),
        (LEASE, False, 9001, 9001, "past its deadline"),
        (LEASE, True, 1000, 1600, None),
        (LEASE, True, 1000, 1601, "closed, but still there"),
        (LEASE, True, 9000, 9500, None),
        (None, False, 1000, 1600, None),
        (None, False, 1000, 1601, "no lease"),
        (None, True, 1000, 1601, "closed, but still there"),
        (None, False, 5000, 1000, None),  # made in the future, as clocks were set back
    ],
)
def test_why_orphan(
    lease: Lease | None, closed: bool, modified: float, now: float, reason: str | None
) -> None:
    job = JobOnDisk("a.1", lease, None, 0, 0, 0, modified, closed)
    assert why_orphan(job, now, grace_seconds=600) == reason


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────


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


# ── one entry's trouble ──────────────────────────────────────────────────────────────────────


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


# ── trash and receipts ───────────────────────────────────────────────────────────────────────


async def test_old_trash_is_emptied(one: Flow) -> None:
    trash = Path(one.workspace.trash)
    for name, minutes in (("old.1.aa", 61), ("young.1.bb", 59)):
        (trash / name / "deep").mkdir(parents=True)
        (trash / name / "deep" / "file").touch()
        age(trash / name, minutes * MINUTE)
    age_file = trash / "left.1.cc"
    age_file.touch()
    age(age_file, 2 * HOUR)
    report = await sweep_of(one).run()
    assert sorted(report.trash) == ["left.1.cc", "old.1.aa"]
    assert {path.name for path in trash.iterdir()} == {"young.1.bb"}


def ended(one: Flow, job_id: str, seconds: float, outcome: str = "completed", **more: Any) -> Path:
    """The receipt of a job that ended some time ago."""
    job = cleanup_job(one.workspace.volume, outcome, job_id, **more)
    with one.workspace.close(job) as closing:
        closing.receipt(job)
    return age(Path(one.workspace.closed) / f"{job_id}.1.json", seconds)


async def test_receipts_older_than_any_message_are_dropped(one: Flow) -> None:
    ended(one, "young", 47 * HOUR)
    ended(one, "old", 49 * HOUR)
    long = REQUEST.model_copy(update={"ttl_hours": 100.0})
    ended(one, "long", 199 * HOUR, request=long)
    ended(one, "longer", 201 * HOUR, request=long)
    report = await sweep_of(one).run()
    assert sorted(report.receipts) == ["longer.1.json", "old.1.json"]
    assert [path.stem for path in one.workspace.receipts()] == ["long.1", "young.1"]


async def test_receipt_of_a_short_lived_job_stays_as_long_as_others(one: Flow) -> None:
    """Its messages may lie in a queue that nobody reads, too."""
    short = REQUEST.model_copy(update={"ttl_hours": 0.01})
    ended(one, "young", 47 * HOUR, request=short)
    ended(one, "old", 49 * HOUR, request=short)
    report = await sweep_of(one).run()
    assert report.receipts == ["old.1.json"]


async def test_damaged_receipt_is_dropped_by_its_age_too(one: Flow) -> None:
    for name, hours in (("young.1.json", 47), ("old.1.json", 24 * 61)):
        path = Path(one.workspace.closed) / name
        path.write_bytes(b"\0" * 10)
        age(path, hours * HOUR)
    report = await sweep_of(one).run()
    assert report.receipts == ["old.1.json"]


# ── objects ──────────────────────────────────────────────────────────────────────────────────


async def put(storage: Storage, tmp_path: Path, key: str, owner: Owner) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    await storage.put(
        key,
        source,
        media_type="image/jpeg",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        owner=owner,
        journal=lambda _: None,
    )


async def failed_run(
    one: Flow, tmp_path: Path, job_id: str, seconds: float, **request: Any
) -> None:
    """A failed job, one of whose PUTs landed after its sender died; and what is not its own."""
    with one.workspace.begin(download_job(job_id, **request)) as held:
        for name in ("mine", "other-run", "other-job", "never-put"):
            held.journal(Intent(key=f"{job_id}/{name}"))
    job = cleanup_job(one.workspace.volume, "failed", job_id, request=None)
    with one.workspace.close(job) as closing:
        closing.receipt(job)
        closing.remove()
    age(Path(one.workspace.closed) / f"{job_id}.1.json", seconds)
    await put(one.storage, tmp_path, f"{job_id}/mine", Owner(job_id=job_id, run=1))
    await put(one.storage, tmp_path, f"{job_id}/other-run", Owner(job_id=job_id, run=2))
    await put(one.storage, tmp_path, f"{job_id}/other-job", Owner(job_id="another", run=1))


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


# ── a whole sweep ────────────────────────────────────────────────────────────────────────────


async def test_dry_run_reports_the_same_and_changes_nothing(one: Flow, tmp_path: Path) -> None:
    overdue(one, "late")
    await failed_run(one, tmp_path, "failed", 2 * HOUR)
    ended(one, "old", 49 * HOUR)
    (Path(one.workspace.trash) / "old.1.aa").mkdir()
    age(Path(one.workspace.trash) / "old.1.aa", 2 * HOUR)
    (one.workspace.root / "stranger").touch()
    before, keys = everything(one.workspace.root), await one.keys()
    dry = await sweep_of(one).run(dry_run=True)
    assert everything(one.workspace.root) == before
    assert await one.keys() == keys
    assert await one.broker.depth(one.lane.queue("cleanup")) == 0
    assert one.workspace.last_sweep() == {}
    assert asdict(dry) == asdict(await sweep_of(one).run())
    assert (dry.orphans, dry.objects, dry.receipts, dry.trash, dry.unknown) == (
        ["late.1"],
        ["failed/mine"],
        ["old.1.json"],
        ["old.1.aa"],
        ["stranger"],
    )


async def test_what_it_did_is_noted_for_every_service(one: Flow) -> None:
    overdue(one, "late")
    await sweep_of(one).run()
    noted = one.workspace.last_sweep()
    assert noted["orphansRemoved"] == 1
    datetime.datetime.fromisoformat(noted["lastRunAt"])


async def test_audit_has_a_line_for_each_removal(
    one: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = CapturingLogger()
    monkeypatch.setattr("services.cleanup.sweep.log", logger)
    overdue(one, "late")
    await failed_run(one, tmp_path, "failed", 2 * HOUR)
    ended(one, "old", 49 * HOUR)
    await sweep_of(one).run()
    lines = [call for call in logger.calls if call.args == ("sweep: removes",)]
    removed = {(line.kwargs["what"], line.kwargs["entry"]) for line in lines}
    assert removed == {("orphan", "late.1"), ("object", "failed/mine"), ("receipt", "old.1.json")}


# ── when ─────────────────────────────────────────────────────────────────────────────────────

NOON = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, HOUR),
        ({"cleanup_interval_hours": 0.5}, HOUR / 2),
        ({"temp_file_cleanup_cron": "*/10 * * * *"}, 600),
        ({"temp_file_cleanup_cron": "30 3 * * *"}, 15.5 * HOUR),
        ({"temp_file_cleanup_cron": "0 12 * * *", "cleanup_interval_hours": 1}, 24 * HOUR),
    ],
)
def test_seconds_to_next(settings: dict[str, Any], seconds: float) -> None:
    assert seconds_to_next(CleanupSettings(**settings), NOON) == seconds


def test_cron_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'often' is no cron expression"):
        CleanupSettings(temp_file_cleanup_cron="often")


async def test_sweeps_at_start_and_again(one: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cleanup.sweep.seconds_to_next", lambda *_: 0.05)
    sweep = sweep_of(one)
    running = asyncio.create_task(sweep.forever(CleanupSettings()))
    await until(lambda: one.workspace.last_sweep() != {})
    (one.workspace.root / "sweep.json").unlink()
    await until(lambda: one.workspace.last_sweep() != {})
    # A sweep that fails is not the last.
    volume = one.workspace.root / "volume"
    volume.rename(volume.with_name("away"))
    (one.workspace.root / "sweep.json").unlink()
    await asyncio.sleep(0.1)
    volume.with_name("away").rename(volume)
    await until(lambda: one.workspace.last_sweep() != {})
    assert sweep.overdue() is None
    running.cancel()
    await asyncio.wait([running])


async def test_sweep_that_hangs_is_overdue(one: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = sweep_of(one)
    assert sweep.overdue() is None
    monkeypatch.setattr(sweep, "_due", -1000.0)
    assert "overdue" in (sweep.overdue() or "")
