"""Every way in which work can end early, and what the consumer does about it.

MillraceError
├─ Retry    may go well later; counted, ends the job when attempts run out
│  ├─ SourceUnavailable
│  ├─ StorageUnavailable
│  ├─ EngineUnavailable
│  └─ BrokerUnavailable
├─ Wait     not this delivery's fault; looked at again later, never counted
│  ├─ JobLocked
│  ├─ WorkspaceFull
│  └─ OtherVolume
├─ Invalid  the message itself is wrong; parked, its job is not touched
│  ├─ InvalidJob
│  └─ JobIdReused
└─ Reject   can never go well; the job fails now
   ├─ SourceForbidden
   ├─ SourceMissing
   ├─ SourceTooLarge
   ├─ UnsupportedMedia
   ├─ CorruptMedia
   ├─ ObjectExists
   ├─ TimeLimit
   └─ FilesLost

Adapters (HTTP, storage, decoders, broker) raise these at their own edge: no stage ever
sees another library's exception. The docstring of a class is its default message.
"""

import inspect


class MillraceError(Exception):
    """Something went wrong in Millrace."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.getdoc(type(self)) or type(self).__name__)

    @property
    def name(self) -> str:
        """The class's name, by which messages, logs and filters know the error."""
        return type(self).__name__


class Retry(MillraceError):
    """The work failed in a way that may pass."""


class SourceUnavailable(Retry):
    """The source could not be fetched."""


class StorageUnavailable(Retry):
    """The storage did not do what was asked."""


class EngineUnavailable(Retry):
    """The process that does the media work died, or could not be started."""


class BrokerUnavailable(Retry):
    """The broker did not confirm the message."""


class Wait(MillraceError):
    """The work cannot be done here and now."""


class JobLocked(Wait):
    """Another worker holds the job."""


class WorkspaceFull(Wait):
    """The work directory has no room for the job."""


class OtherVolume(Wait):
    """The job's files lie on another volume than this service's."""


class Invalid(MillraceError):
    """The message is no valid job."""


class InvalidJob(Invalid):
    """The message does not describe a job."""


class JobIdReused(Invalid):
    """The job id belongs to a job with another request."""


class Reject(MillraceError):
    """The job can never succeed."""


class SourceForbidden(Reject):
    """The source may not be fetched."""


class SourceMissing(Reject):
    """There is nothing where the source should be."""


class SourceTooLarge(Reject):
    """The source is larger than allowed."""


class UnsupportedMedia(Reject):
    """The file is of no kind that can be processed."""


class CorruptMedia(Reject):
    """The file is damaged."""


class ObjectExists(Reject):
    """The storage already has another object under this key."""


class TimeLimit(Reject):
    """The work took longer than allowed."""


class FilesLost(Reject):
    """The job's files are not in the work directory."""
