"""What those who wait for jobs read: the events of a lane, taken out of their messages."""

from dataclasses import dataclass
from typing import Any, Self

import orjson

from shared.broker.base import Message
from shared.jobs import JobEnded, Result

OUTCOMES = ("completed", "failed", "cancelled", "expired", "rejected")


@dataclass(frozen=True)
class Event:
    """One event of a job.

    Attributes:
        body: the CloudEvent as it was published.
        what: the last part of its type: `progress`, `completed`, …
        job_id: empty in a `rejected` event about a message without an id.
    """

    body: bytes
    what: str
    job_id: str
    data: dict[str, Any]

    @classmethod
    def of(cls, message: Message) -> Self:
        """The event that `message` brings."""
        event = orjson.loads(message.body)
        what = str(event["type"]).rpartition(".")[2]
        return cls(message.body, what, str(event["data"].get("jobId") or ""), event["data"])

    @property
    def of_another(self) -> bool:
        """Whether it tells of another request under the same id, which was refused for that."""
        return self.what == "rejected" and self.error == "JobIdReused"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows: the job has its outcome, or was refused."""
        return self.what in OUTCOMES

    @property
    def completed(self) -> bool:
        """Whether the job went well."""
        return self.what == "completed"

    @property
    def results(self) -> tuple[Result, ...]:
        """What the job stored."""
        return JobEnded.parse(self.data).results if self.completed else ()

    @property
    def error(self) -> str | None:
        """The class of the error that ended the job."""
        error = self.data.get("error")
        return str(error["error"]) if error else None

    @property
    def sentence(self) -> str:
        """Why the job did not complete."""
        error = self.data.get("error")
        return str(error["message"]) if error else f"The job was {self.what}."
