"""What a message means to a stage: from a delivery to the job, and to the way it may end."""

from shared.broker.base import Message
from shared.broker.topology import DELIVERY_LIMIT, Lane
from shared.envelope import Job, dead_letters_of, decode
from shared.jobs import (
    CancelRequest,
    CleanupJob,
    DownloadJob,
    ErrorReport,
    Outcome,
    Reference,
    Stage,
)
from shared.retry import sentence
from shared.workspace import Workspace


class Intake:
    """Reads messages for one stage of one lane."""

    def __init__(self, stage: Stage, lane: Lane, workspace: Workspace) -> None:
        self._stage = stage
        self._lane = lane
        self._workspace = workspace

    def read(self, message: Message) -> Job | Reference:
        """The job that `message` brings.

        Cleanup takes more than its own: what the broker dead-lettered from the other stages,
        and users' requests to cancel.

        Raises:
            InvalidJob, Anonymous
        """
        died = given_up(message, self._lane)
        origin = self._lane.stage(died[0]) if died else None
        job = decode(message, origin or self._stage)
        if isinstance(job, CancelRequest):
            return self._cancelling(job)
        if died and origin and origin != self._stage:
            return self._given_up(job, origin, died[1])
        return job

    def _cancelling(self, request: CancelRequest) -> CleanupJob:
        """To cancel a job that nobody has begun keeps it from ever beginning."""
        run = self._workspace.latest_run(request.job_id) or 1
        return CleanupJob(
            job_id=request.job_id,
            run=run,
            volume=self._workspace.volume,
            request=self._workspace.request_of(request.job_id, run),
            outcome="cancelled",
        )

    def _given_up(self, job: Job | Reference, stage: Stage, reason: str) -> CleanupJob:
        """The broker gave the message up: its workers died again and again."""
        message = f"{stage} was tried {DELIVERY_LIMIT} times and never ended ({reason})"
        report = ErrorReport(
            error="DeliveryLimit", message=message, stage=stage, attempts=DELIVERY_LIMIT
        )
        return ending(job, self._workspace.volume, "failed", report)


def given_up(message: Message, lane: Lane) -> tuple[str, str] | None:
    """(queue, reason) of the death in a stage before cleanup, which cleanup is to end.

    Cleanup may have died of it since, too.
    """
    deaths = dead_letters_of(message)
    return next((death for death in deaths if lane.stage(death[0]) not in (None, "cleanup")), None)


def ending(
    job: Job | Reference, volume: str, outcome: Outcome, error: ErrorReport | None = None
) -> CleanupJob:
    """The message that ends `job` with `outcome`.

    Args:
        volume: of this service, for a job that has no files anywhere yet.
    """
    end = CleanupJob(
        job_id=job.job_id,
        run=job.run,
        volume=volume if isinstance(job, DownloadJob) else job.volume,
        request=None if isinstance(job, Reference) else job.request,
        outcome=outcome,
        error=error,
    )
    if isinstance(job, DownloadJob):
        return end
    return end.model_copy(update={"manifest": job.manifest, "costs": job.costs})


def report(error: Exception, stage: Stage, attempts: int) -> ErrorReport:
    """`error` as the terminal event tells it."""
    return ErrorReport(
        error=type(error).__name__,
        message=sentence(error),
        stage=stage,
        attempts=attempts,
    )
