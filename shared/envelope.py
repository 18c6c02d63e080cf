"""Between jobs and messages: what is written on the wire, and what may be read from it."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from shared.broker.base import MAX_BODY_BYTES, Message
from shared.errors import InvalidJob
from shared.jobs import (
    CancelRequest,
    CleanupJob,
    DownloadJob,
    ProcessingJob,
    Reference,
    Stage,
    UploadJob,
)
from shared.wire import Wire

Job = DownloadJob | ProcessingJob | UploadJob | CleanupJob
TYPE_OF: Mapping[type[Wire], str] = {
    DownloadJob: "millrace.download.v1",
    ProcessingJob: "millrace.processing.v1",
    UploadJob: "millrace.upload.v1",
    CleanupJob: "millrace.cleanup.v1",
}
ACCEPTED: Mapping[Stage, type[Job]] = {
    "download": DownloadJob,
    "process": ProcessingJob,
    "upload": UploadJob,
    "cleanup": CleanupJob,
}
_AMQP_SHORT_STRING = 255
# What we write of a job may be a little longer than what its user wrote: defaults, outcome, error.
_OWN_BODY_BYTES = MAX_BODY_BYTES + 4096


# A header of a message has to fit into one frame of 128 KiB, whatever is added to it. Four times
# so many bytes are the most that a table takes of which this many characters are written.
_LONGEST_HEADERS = 16 * 1024
# What W3C asks everyone to pass on at least.
_LONGEST_TRACE = 512
# In the place of `x-death`, which the broker keeps for itself. Like that, it goes no further.
_DIED = "x-died"


class Anonymous(Exception):
    """A job without any id: redelivered, it would be another job each time."""


def encode(job: Job, *, committed_by: Stage | None = None) -> Message:
    """The message for `job`, or a reference to its committed result if that is too long."""
    body = job.encode()
    if len(body) > MAX_BODY_BYTES and committed_by and not isinstance(job, DownloadJob):
        reference = Reference(
            job_id=job.job_id,
            run=job.run,
            volume=job.volume,
            committed=committed_by,
        )
        body = reference.encode()
    _refuse_longer(body, _OWN_BODY_BYTES)
    return Message(
        body=body,
        type=TYPE_OF[type(job)],
        message_id=f"{short(job.job_id)}.{job.run}.{TYPE_OF[type(job)]}"[:_AMQP_SHORT_STRING],
        correlation_id=short(job.job_id),
        timestamp=time.time(),
    )


def short(job_id: str) -> str:
    """`job_id` where AMQP can hold it in a short string, else its beginning."""
    return job_id.encode()[:200].decode(errors="ignore")


def attempt_of(message: Message) -> int:
    """Which attempt of its stage this delivery is: 1 and up."""
    value = message.headers.get("attempt", 1)
    return value if isinstance(value, int) and value > 0 else 1


def decode(message: Message, stage: Stage) -> Job | Reference | CancelRequest:
    """The job that `message` brings to `stage`.

    Raises:
        InvalidJob: it is no valid job; the message names the field.
        Anonymous: it is a valid job without an id.
    """
    own = message.type in TYPE_OF.values()
    _refuse_longer(message.body, _OWN_BODY_BYTES if own else MAX_BODY_BYTES)
    fields = _object(message.body)
    if stage == "download":
        return _download(fields, message.message_id)
    if "committed" in fields:
        return Reference.parse(fields)
    if stage == "cleanup" and "volume" not in fields:
        return CancelRequest.parse(fields)
    return ACCEPTED[stage].parse(fields)


def _refuse_longer(body: bytes, limit_bytes: int) -> None:
    if len(body) > limit_bytes:
        raise InvalidJob(f"the message has {len(body)} bytes; {limit_bytes} are allowed")


def _download(fields: dict[str, Any], message_id: str | None) -> DownloadJob:
    known = fields.get("jobId") is not None
    job = DownloadJob.parse(fields if known else {**fields, "jobId": message_id or "anonymous"})
    # 1e9 is written again as 1000000000.0: what could not be sent on must not begin.
    _refuse_longer(job.encode(), _OWN_BODY_BYTES)
    if not known and not message_id:
        raise Anonymous
    return job


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except ValueError as error:
        raise InvalidJob(f"the message is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise InvalidJob("the message is no JSON object")
    return fields


def job_id_of(message: Message) -> str | None:
    """The id that an otherwise unusable message names, where it names one."""
    try:
        fields = orjson.loads(message.body)
    except ValueError:
        return None
    value = fields.get("jobId") if isinstance(fields, dict) else None
    return value[:200] if isinstance(value, str) and value else None


def dead_letter_of(message: Message) -> tuple[str, str] | None:
    """(queue, reason) of the broker's last dead-lettering, where the message went through one."""
    return next(_deaths_in(message.headers.get("x-death")), None)


def dead_letters_of(message: Message) -> Iterator[tuple[str, str]]:
    """All of them, the last first; also the one that a message was sent again with."""
    yield from _deaths_in(message.headers.get("x-death"))
    yield from _deaths_in(message.headers.get(_DIED))


def sent_again_dead(message: Message, death: tuple[str, str]) -> Message:
    """The same message to publish once more, which died of `death` (queue, reason)."""
    queue, reason = death
    return sent_again(message, **{_DIED: [{"queue": queue, "reason": reason}]})


def _deaths_in(deaths: object) -> Iterator[tuple[str, str]]:
    """(queue, reason) of each.

    A message that came back from a wait queue went through one too, with reason `expired`.
    """
    for death in deaths if isinstance(deaths, list) else ():
        # Anyone can write this header, and anything into it.
        fields = death if isinstance(death, dict) else {}
        queue, reason = fields.get("queue"), fields.get("reason")
        if queue and reason and reason != "expired":
            yield str(queue), str(reason)


def trace_of(message: Message) -> dict[str, str]:
    """The W3C trace context that goes along with a job, from message to message and event."""
    found = {name: message.headers.get(name) for name in ("traceparent", "tracestate")}
    # Anyone can write these headers, and anything into them.
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, str) and len(value) <= _LONGEST_TRACE
    }


def sent_again(message: Message, **headers: Any) -> Message:
    """The same message to publish once more.

    Without `x-death`: the broker drops a message silently that goes in circles. Of headers that
    are very long only what is ours goes on.
    """
    kept = {key: value for key, value in message.headers.items() if not key.startswith("x-")}
    if len(repr(kept)) > _LONGEST_HEADERS:
        kept = {"attempt": attempt_of(message), **trace_of(message)}
    return Message(
        body=message.body,
        type=message.type,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        headers={**kept, **headers},
        timestamp=message.timestamp,
    )
