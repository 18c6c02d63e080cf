"""The work directory: who owns a job's files, and when they may go."""

from shared.workspace.closing import Closing
from shared.workspace.held import Attempt, Held
from shared.workspace.records import Committed, Lease, Receipt
from shared.workspace.volume import JobOnDisk
from shared.workspace.workspace import Closed, NotDue, Workspace

__all__ = [
    "Attempt",
    "Closed",
    "Closing",
    "Committed",
    "Held",
    "JobOnDisk",
    "Lease",
    "NotDue",
    "Receipt",
    "Workspace",
]
