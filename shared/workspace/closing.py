"""The end of a job: its receipt first, then everything of it goes."""

import datetime
import posixpath
import secrets
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from structlog.typing import FilteringBoundLogger

from shared.errors import FilesLost, InvalidJob, JobLocked
from shared.jobs import (
    Account,
    CleanupJob,
    Cost,
    ErrorReport,
    JobEnded,
    Outcome,
    Reference,
    Request,
    Stage,
)
from shared.storage.base import Intent
from shared.work import Spent
from shared.workspace.files import Files
from shared.workspace.held import Progress, read_intents
from shared.workspace.records import Committed, Lease, Receipt
from shared.workspace.tree import attempt_files, empty

LOST = "the result of the job's last stage is lost"


class Closing:
    """A job that cleanup ends, under its lock where it still has a directory.

    Every step can be repeated: a crash between any two is finished by the next delivery.
    """

    def __init__(
        self,
        files: Files,
        directory: str,
        receipt: str,
        trash: str,
        lock: int | None,
        ttl_hours: float,
    ) -> None:
        self._files = files
        self._directory = directory
        self._name = posixpath.basename(directory)
        self._receipt = receipt
        self._trash = trash
        self._lock = lock
        self._ttl_hours = ttl_hours
        self.spent = Spent()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            self._files.unlock(self._lock)

    def committed(self, _: Stage) -> None:
        """Cleanup commits nothing but the receipt, and goes on at one that is there."""

    def follow(self, reference: Reference) -> CleanupJob:
        """The ending that a reference names, from what is left of the job."""
        with suppress(FileNotFoundError, FilesLost):
            path = f"{self._directory}/{reference.committed}.json"
            result = Committed.decode(self._files.read(path))
            if isinstance(result, CleanupJob):
                return result
        receipt = self._read()
        outcome = receipt.outcome if receipt else "failed"
        lost = ErrorReport(error="FilesLost", message=LOST, stage=reference.committed)
        return CleanupJob(
            job_id=reference.job_id,
            run=reference.run,
            volume=reference.volume,
            outcome=outcome,
            error=lost if outcome == "failed" else None,
        )

    def attempt(self, _: Stage, log: FilteringBoundLogger, __: Progress) -> Self:
        """Cleanup needs no directory of its own."""
        self.log = log
        return self

    def commit(self, _: Stage, ended: JobEnded) -> JobEnded:
        """The receipt holds the event already."""
        return ended

    def failures(self, _: Stage) -> int:
        """Cleanup is never given up, and so not counted here."""
        return 0

    def note_failure(self, _: Stage, __: int) -> None:
        """See `failures`."""

    @property
    def closed(self) -> bool:
        """Cancelling cannot stop the end."""
        return False

    @property
    def limited(self) -> bool:
        """No limit can stop the end: the next attempt would have as much to do, and as long."""
        return False

    @property
    def overdue(self) -> bool:
        """No deadline can stop the end."""
        return False

    def intents(self) -> tuple[Intent, ...]:
        """What the run has journalled, in every attempt."""
        return read_intents(self._files, self._directory)

    def announce(self, job: CleanupJob) -> None:
        """Write the receipt without an account, for the worker that holds the job to see."""
        self._first(self._new_receipt(job))

    def receipt(self, job: CleanupJob) -> Receipt:
        """The job's receipt with its account. An earlier one's outcome stands.

        Raises:
            JobLocked: the job has got a directory since this delivery looked for its lock.
        """
        # Looked for before anything is written: a duplicate must not leave a byte for a moment.
        first = self._read() or self._first(self._with_event(self._new_receipt(job), job))
        if self._lock is None and self._files.exists(self._directory):
            # Begun after the look for its lock; whoever works on it sees the receipt, and stops.
            raise JobLocked(f"the job '{job.job_id}' was begun while it was ended")
        if first.event is None:
            first = self._with_event(first, job)
            self._replace(first)
        return self._complete(first)

    def _complete(self, receipt: Receipt) -> Receipt:
        """`receipt`, also where its run began, and journalled, after it had been written."""
        lease = self._lease()
        if lease is None:
            return receipt
        found = self._in_storage(receipt.outcome, lease.request)
        complete = receipt.model_copy(
            update={
                "token": lease.token,
                "keys": tuple(dict.fromkeys((*receipt.keys, *found["keys"]))),
                "begun": tuple(dict.fromkeys((*receipt.begun, *found["begun"]))),
            }
        )
        if complete != receipt:
            self._replace(complete)
        return complete

    def mark_parked(self, receipt: Receipt) -> Receipt:
        """Write down that the failed job was parked, unless a duplicate has done so."""
        known = self._read()
        if known is not None and known.parked:
            return known
        parked = receipt.model_copy(update={"parked": True})
        self._replace(parked)
        return parked

    def remove(self) -> None:
        """Take the directory out of `jobs/` in one step, then empty it.

        Also finishes what a predecessor of this delivery began. Blocks; safe in a thread.
        """
        if self._lock is not None:
            target = f"{self._trash}/{self._name}.{secrets.token_hex(4)}"
            with suppress(FileNotFoundError):
                self._files.rename(self._directory, target)
        mine = self._name + "."
        for entry in self._files.entries(self._trash):
            if entry.name.startswith(mine):
                empty(self._files, entry.path)

    def _new_receipt(self, job: CleanupJob) -> Receipt:
        lease = self._lease()
        request = job.request or (lease.request if lease else None)
        return Receipt(
            job_id=job.job_id,
            run=job.run,
            outcome=job.outcome,
            request=request,
            **self._in_storage(job.outcome, request),
            ttl_hours=(request and request.ttl_hours) or self._ttl_hours,
            token=lease.token if lease else "",
        )

    def _lease(self) -> Lease | None:
        with suppress(InvalidJob, FileNotFoundError):
            return Lease.decode(self._files.read(f"{self._directory}/job.json"))
        return None

    def _with_event(self, receipt: Receipt, job: CleanupJob) -> Receipt:
        """`receipt` with its account: counted before the removal, under the lock."""
        completed = receipt.outcome == "completed"
        request = receipt.request or job.request
        event = JobEnded(
            job_id=job.job_id,
            run=job.run,
            outcome=receipt.outcome,
            source=request.source if request else None,
            metadata=request.metadata if request else {},
            results=job.results if completed else (),
            error=job.error if receipt.outcome == "failed" else None,
            receipt=self._account(job.costs),
            ended_at=datetime.datetime.now(datetime.UTC),
        )
        in_storage = self._in_storage(receipt.outcome, request)
        return receipt.model_copy(update={"event": event, "request": request, **in_storage})

    def _in_storage(self, outcome: Outcome, request: Request | None) -> dict[str, Any]:
        """What the sweep has to look for once more, as fields of the receipt."""
        intents = self.intents()
        if outcome == "completed" or (request is not None and request.overwrite):
            begun = tuple(one for one in intents if one.begun and not one.token)
            return {"keys": (), "begun": begun}
        return {"keys": tuple(dict.fromkeys(one.key for one in intents)), "begun": ()}

    def _account(self, costs: tuple[Cost, ...]) -> Account:
        files = list(attempt_files(self._files, self._directory))
        now = self._files.touch(f"{self._directory}/job.json") if files else 0.0
        seconds: dict[str, float] = {}
        for cost in costs:
            seconds[cost.stage] = seconds.get(cost.stage, 0.0) + cost.seconds
        return Account(
            files_removed=len(files),
            bytes_removed=sum(file.st_size for file in files),
            seconds_per_stage={stage: round(value, 4) for stage, value in seconds.items()},
            cpu_seconds=round(sum(cost.cpu_seconds for cost in costs), 4),
            peak_memory_bytes=max((cost.peak_memory_bytes for cost in costs), default=0),
            temporary_byte_seconds=round(
                sum(file.st_size * max(0.0, now - file.st_mtime) for file in files), 1
            ),
            bytes_downloaded=sum(cost.downloaded_bytes for cost in costs),
            bytes_uploaded=sum(cost.uploaded_bytes for cost in costs),
        )

    def _first(self, receipt: Receipt) -> Receipt:
        """Link the receipt; the one that was there before is returned in its place."""
        written = self._write(receipt)
        try:
            self._files.link(written, self._receipt)
        except FileExistsError:
            return self._read() or receipt.model_copy(update={"event": None})
        finally:
            self._files.unlink(written)
        return receipt

    def _replace(self, receipt: Receipt) -> None:
        self._files.rename(self._write(receipt), self._receipt)

    def _write(self, receipt: Receipt) -> str:
        path = f"{self._trash}/{self._name}.{secrets.token_hex(4)}"
        self._files.create(path, receipt.encode())
        return path

    def _read(self) -> Receipt | None:
        with suppress(InvalidJob, FileNotFoundError):
            return Receipt.decode(self._files.read(self._receipt))
        return None
