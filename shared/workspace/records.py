"""What the workspace writes down about a job: lease, committed result, receipt."""

from typing import Any

import orjson
from pydantic import Field

from shared.errors import FilesLost
from shared.jobs import CleanupJob, JobEnded, Outcome, ProcessingJob, Request, UploadJob
from shared.storage.base import Intent, Owner
from shared.wire import Wire

Result = ProcessingJob | UploadJob | CleanupJob

_RESULTS: dict[str, type[Result]] = {
    model.__name__: model for model in (ProcessingJob, UploadJob, CleanupJob)
}


class Lease(Wire):
    """The right of a job to have files: `job.json`, written before any other byte of it.

    Its file is also the job's lock: whoever works on the job holds it by `flock`.

    Attributes:
        digest: of the request, so that a job id cannot be used for two.
        created, deadline: seconds since the epoch by the volume's clock.
        token: random; see `Owner`. One for all attempts of the run, and for no other run.
    """

    job_id: str
    run: int
    request: Request
    digest: str
    created: float
    deadline: float
    token: str = ""

    @property
    def owner(self) -> Owner:
        """Whose the objects are that this run stores."""
        return Owner(job_id=self.job_id, run=self.run, token=self.token)


class Committed:
    """A stage's result as it lies in `<stage>.json`: the first one written wins for ever."""

    @staticmethod
    def encode(result: Result) -> bytes:
        """The file's content."""
        return b'{"type":"%s","message":%s}' % (
            type(result).__name__.encode(),
            result.encode(),
        )

    @staticmethod
    def decode(content: bytes) -> Result:
        """The result that the file holds.

        Raises:
            FilesLost: the file is damaged, as after a power cut.
        """
        try:
            record: dict[str, Any] = orjson.loads(content)
            return _RESULTS[record["type"]].model_validate(record["message"])
        except (ValueError, KeyError, TypeError) as error:
            raise FilesLost(f"a committed result is damaged: {error}") from error


class Receipt(Wire):
    """That a job has ended, and how: `closed/<job>.<run>.json`. The first one wins.

    Attributes:
        outcome: of the job, whatever a later message says.
        keys: what the run had put into storage, kept where it must not stay there.
        begun: what it may have begun to put and cannot name, kept where its objects stay.
        event: the terminal event's data; absent until the job's files were counted.
        parked: whether the failed job lies in the dead queue already.
        ttl_hours: how long messages of this job can be about.
        token: its lease's; the lease goes with the files.
    """

    job_id: str
    run: int
    outcome: Outcome
    request: Request | None = None
    keys: tuple[str, ...] = ()
    begun: tuple[Intent, ...] = ()
    event: JobEnded | None = None
    parked: bool = False
    ttl_hours: float = Field(default=24.0, gt=0)
    token: str = ""

    @property
    def owner(self) -> Owner:
        """Whose the objects are that this run has stored."""
        return Owner(job_id=self.job_id, run=self.run, token=self.token)

    @property
    def end(self) -> JobEnded:
        """The terminal event's data."""
        if self.event is None:
            raise FilesLost(f"the receipt of '{self.job_id}' has no account yet")
        return self.event

    @property
    def overwrites(self) -> bool:
        """Whether the job asked to replace objects, and so gave up the rollback."""
        return self.request is not None and self.request.overwrite
