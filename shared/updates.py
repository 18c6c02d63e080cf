"""What a job's watchers read: CloudEvents 1.0 in structured JSON.

The id of an event follows from job, run and step, so a reader can drop duplicates.
"""

import datetime
import time
from collections.abc import Mapping
from typing import Any

import orjson

from shared.broker.base import Broker, Message
from shared.broker.topology import Lane
from shared.envelope import short
from shared.jobs import JobEnded, Stage, directory_name

# At most one progress event in this many seconds, for each job.
PROGRESS_SECONDS = 1.0


class Throttle:
    """When a stage's progress is told: now and then, and its end where it was told before.

    So work that is done within a second sends nothing, and a bar that moves comes to its end.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._told: float | None = None

    def is_due(self, percent: float) -> bool:
        """Whether this is to be told; if so, it counts as told."""
        is_end = self._told is not None and percent >= 100
        if self._told == 100 or not (is_end or self._is_a_while_ago()):
            return False
        self._since, self._told = time.monotonic(), percent
        return True

    def _is_a_while_ago(self) -> bool:
        return time.monotonic() - self._since >= PROGRESS_SECONDS


class Updates:
    """Publishes the events of one lane.

    Args:
        service: who speaks, shown as the event's source.
        trace: the headers of the trace that the events belong to.
    """

    def __init__(
        self, broker: Broker, lane: Lane, service: str, trace: Mapping[str, str] | None = None
    ) -> None:
        self._broker = broker
        self._lane = lane
        self._service = service
        self._source = f"/millrace/{lane.prefix}/{service}"
        self._trace = trace or {}

    def along(self, trace: Mapping[str, str]) -> "Updates":
        """The same, of events that belong to `trace`."""
        return Updates(self._broker, self._lane, self._service, trace) if trace else self

    def started(self, job_id: str, run: int, stage: Stage, attempt: int) -> None:
        """A stage began to work on the job."""
        self._tell("started", job_id, f"{run}.{stage}.{attempt}", run, stage, attempt=attempt)

    def progress(
        self, job_id: str, run: int, stage: Stage, attempt: int, percent: float, **details: Any
    ) -> None:
        """How far a stage is, in percent."""
        step = f"{run}.{stage}.{attempt}.{percent:.1f}"
        self._tell(
            "progress", job_id, step, run, stage, attempt=attempt, percent=percent, **details
        )

    def finished(self, job_id: str, run: int, stage: Stage, seconds: float) -> None:
        """A stage handed the job on."""
        self._tell("finished", job_id, f"{run}.{stage}", run, stage, seconds=round(seconds, 4))

    async def ended(self, end: JobEnded) -> None:
        """The job reached its one outcome. Confirmed by the broker."""
        message, key = self.terminal(end)
        await self._broker.publish(message, key, self._lane.events, wanted=False)

    def terminal(self, end: JobEnded) -> tuple[Message, str]:
        """The event that says how a job ended, and its routing key."""
        return self._event(end.outcome, end.job_id, f"{end.run}", orjson.Fragment(end.encode()))

    async def rejected(self, job_id: str | None, message_id: str | None, error: Exception) -> None:
        """A message was no valid job. Confirmed by the broker."""
        data = {
            "jobId": job_id,
            "messageId": message_id,
            "error": {"error": type(error).__name__, "message": str(error)},
        }
        # A message id may be as long as an event's id: 255 bytes, of any kind.
        step = directory_name(message_id) if message_id else f"{time.time_ns()}"
        message, key = self._event("rejected", job_id or "unknown", step, data)
        await self._broker.publish(message, key, self._lane.events, wanted=False)

    def _tell(self, what: str, job_id: str, step: str, run: int, stage: Stage, **data: Any) -> None:
        fields = {"jobId": job_id, "run": run, "stage": stage, **data}
        message, key = self._event(what, job_id, step, fields)
        self._broker.tell(message, key, self._lane.events)

    def _event(
        self, what: str, job_id: str, step: str, data: dict[str, Any] | orjson.Fragment
    ) -> tuple[Message, str]:
        name = directory_name(job_id)
        identity = f"{name}.{step}.{what}"
        event = {
            "specversion": "1.0",
            "id": identity,
            "source": self._source,
            "type": f"millrace.job.{what}",
            "subject": job_id,
            "time": datetime.datetime.now(datetime.UTC),
            "datacontenttype": "application/json",
            "data": data,
        }
        message = Message(
            body=orjson.dumps(event),
            type=f"millrace.job.{what}",
            message_id=identity,
            correlation_id=short(job_id),
            headers=self._trace,
        )
        return message, f"{name}.{what}"
