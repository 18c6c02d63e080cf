"""The sweep: finds what a crash left, and has cleanup remove it.

It never deletes a job by itself: it publishes `CleanupJob(expired)`, so that there is one code
path, one lock and one event. What it does not recognise it reports, and leaves alone.
"""

import asyncio
import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import structlog
from croniter import croniter

from services.cleanup.settings import CleanupSettings
from shared.broker.base import Broker
from shared.broker.topology import Lane
from shared.envelope import encode
from shared.jobs import MAX_TTL_HOURS, CleanupJob
from shared.storage.base import Intent, Storage
from shared.workspace import JobOnDisk, Receipt, Workspace
from shared.workspace.tree import empty

log = structlog.get_logger()
# A receipt outlives its job's messages by as much as they can live. Those of a short-lived job
# can wait as long as any other's, while nobody takes them from their queue.
RECEIPT_LIVES = 2
LEAST_HOURS = 24
# A sweep takes some time itself.
OVERDUE_SECONDS = 60


@dataclass
class SweepReport:
    """What one sweep found and did. Lists hold names in the work directory."""

    orphans: list[str] = field(default_factory=list)
    trash: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @contextmanager
    def guarding(self, name: str) -> Iterator[None]:
        """Let an error end this one entry, not the sweep."""
        try:
            yield
        except Exception as error:
            self.leave(name, error)

    def leave(self, name: str, error: Exception) -> None:
        """Note an entry that is left as it is, because of `error`."""
        log.warning("sweep: entry left", entry=name, error=repr(error))
        self.errors.append(f"{name}: {error}")


def why_orphan(job: JobOnDisk, now: float, grace_seconds: float) -> str | None:
    """Why the job's directory may go, or None while it may not. Pure.

    Args:
        now: seconds since the epoch, by the volume's clock.
    """
    age = now - job.modified
    if job.closed:
        return "closed, but still there" if age > grace_seconds else None
    if job.lease is None:
        return "no lease" if age > grace_seconds else None
    return "past its deadline" if now > job.lease.deadline else None


@dataclass(frozen=True)
class _OldReceipt:
    """A receipt older than the grace; None where it is damaged."""

    path: Path
    age_seconds: float
    receipt: Receipt | None

    @property
    def needless(self) -> bool:
        """Whether no message can need it any more."""
        hours = self.receipt.ttl_hours if self.receipt else MAX_TTL_HOURS
        return self.age_seconds > RECEIPT_LIVES * max(hours, LEAST_HOURS) * 3600


class Sweep:
    """Sweeps one lane's work directory."""

    def __init__(
        self,
        workspace: Workspace,
        storage: Storage,
        broker: Broker,
        lane: Lane,
        grace_minutes: float = 60.0,
    ) -> None:
        self._workspace = workspace
        self._storage = storage
        self._broker = broker
        self._lane = lane
        self._grace_seconds = grace_minutes * 60
        # The first one is due at once.
        self._due = time.monotonic()

    async def forever(self, settings: CleanupSettings) -> None:
        """Sweep at start, and then at each of the times that the settings name."""
        while True:
            # Where the next time cannot be told: none of this may end the only sweep there is.
            seconds = settings.cleanup_interval_hours * 3600
            try:
                seconds = seconds_to_next(settings, datetime.datetime.now(datetime.UTC))
                await self.run()
                self._due = time.monotonic() + seconds
            except Exception as error:
                log.error("sweep failed", error=repr(error))
            await asyncio.sleep(seconds)

    def overdue(self) -> str | None:
        """A sentence where a sweep should have ended well by now and has not."""
        late = time.monotonic() - self._due
        overdue = late > OVERDUE_SECONDS
        return f"the sweep is overdue by {late:.0f} seconds" if overdue else None

    async def run(self, *, dry_run: bool = False) -> SweepReport:
        """Sweep once. A dry run only reports."""
        report = SweepReport()
        now = self._workspace.now()
        await self._orphans(report, now, dry_run)
        # Before the receipts, which tell that a run has ended.
        await asyncio.to_thread(self._redrives, report, now, dry_run)
        await self._receipts(report, now, dry_run)
        await asyncio.to_thread(self._trash, report, now, dry_run)
        self._strangers(report)
        if not dry_run:
            self._workspace.note_sweep(_summary(report))
        return report

    async def _orphans(self, report: SweepReport, now: float, dry_run: bool) -> None:
        for job in await asyncio.to_thread(lambda: list(self._workspace.survey(report.leave))):
            reason = why_orphan(job, now, self._grace_seconds)
            if reason is None:
                continue
            with report.guarding(job.name):
                report.orphans.append(job.name)
                _audit("orphan", job.name, dry_run, reason=reason, bytes=job.size)
                if not dry_run:
                    await self._expire(job)

    async def _expire(self, job: JobOnDisk) -> None:
        job_id, _, run = job.name.rpartition(".")
        end = CleanupJob(
            job_id=job.lease.job_id if job.lease else job_id,
            run=job.lease.run if job.lease else int(run),
            volume=self._workspace.volume,
            request=job.lease.request if job.lease else None,
            outcome="expired",
        )
        await self._broker.publish(encode(end), self._lane.queue("cleanup"))

    async def _receipts(self, report: SweepReport, now: float, dry_run: bool) -> None:
        # There can be very many, and reading them all must not hold the event loop up.
        for old in await asyncio.to_thread(self._old_receipts, report, now):
            with report.guarding(old.path.name):
                if old.receipt is not None:
                    await self._delete_late_objects(report, old.receipt, dry_run)
                    await self._settle_late(old.receipt, dry_run)
                # Last, since it alone knows the objects.
                if old.needless:
                    self._drop(report.receipts, "receipt", old.path, dry_run)

    def _redrives(self, report: SweepReport, now: float, dry_run: bool) -> None:
        """The note of a redrive goes once its run has ended, or can wait no more."""
        for path in self._workspace.redrives():
            with report.guarding(path.name):
                files = self._workspace.files
                note = _OldReceipt(path, now - files.modified(path), None)
                if note.needless or files.exists(path.with_suffix(".json")):
                    self._drop(report.receipts, "redrive", path, dry_run)

    def _old_receipts(self, report: SweepReport, now: float) -> list[_OldReceipt]:
        """The receipts that there is something to do about; of all others none is kept in mind."""
        found = []
        for path in self._workspace.receipts():
            with report.guarding(path.name):
                age = now - self._workspace.files.modified(path)
                if age > self._grace_seconds:
                    old = _OldReceipt(path, age, self._workspace.receipt_of(path.stem))
                    if old.needless or (old.receipt and (old.receipt.keys or old.receipt.begun)):
                        found.append(old)
        return found

    async def _delete_late_objects(
        self, report: SweepReport, receipt: Receipt, dry_run: bool
    ) -> None:
        """A PUT may land after its sender died: look once more, long after."""
        owner = receipt.owner
        for key in receipt.keys:
            found = await self._storage.stat(key)
            if found is not None and found.owner == owner:
                report.objects.append(key)
                _audit("object", key, dry_run, jobId=receipt.job_id)
            if not dry_run:
                # Also where there is no object: a multipart upload may still be open.
                await self._storage.rollback(Intent(key=key), owner)

    async def _settle_late(self, receipt: Receipt, dry_run: bool) -> None:
        """An upload whose id was never known could not be told from another's until now."""
        if not dry_run:
            for intent in receipt.begun:
                await self._storage.settle(intent, receipt.owner)

    def _trash(self, report: SweepReport, now: float, dry_run: bool) -> None:
        files = self._workspace.files
        for entry in files.entries(self._workspace.trash):
            path = Path(entry.path)
            with report.guarding(entry.name):
                if now - files.modified(path) > self._grace_seconds:
                    self._drop(report.trash, "trash", path, dry_run)

    def _drop(self, names: list[str], what: str, path: Path, dry_run: bool) -> None:
        names.append(path.name)
        _audit(what, path.name, dry_run)
        if not dry_run:
            empty(self._workspace.files, path)

    def _strangers(self, report: SweepReport) -> None:
        report.unknown.extend(self._workspace.strangers())
        for name in report.unknown:
            log.warning("sweep: not ours, left alone", entry=name)


def seconds_to_next(settings: CleanupSettings, now: datetime.datetime) -> float:
    """Seconds until the next sweep. Pure."""
    if settings.temp_file_cleanup_cron is None:
        return settings.cleanup_interval_hours * 3600
    following = croniter(settings.temp_file_cleanup_cron, now).get_next(datetime.datetime)
    return float((following - now).total_seconds())


def _audit(what: str, name: str, dry_run: bool, **more: Any) -> None:
    log.info("sweep: would remove" if dry_run else "sweep: removes", what=what, entry=name, **more)


def _summary(report: SweepReport) -> dict[str, Any]:
    return {
        "lastRunAt": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "orphansRemoved": len(report.orphans),
        **{name: len(value) for name, value in asdict(report).items() if name != "orphans"},
    }
