"""What lies in the work directory, by kind: counted on the disk, kept for some seconds."""

import asyncio
import time

from shared.workspace import JobOnDisk, Workspace

KINDS = ("video", "image", "unknown")


class Tally:
    """Counts temporary files for `/health`, metrics and `millrace stats`.

    Args:
        fresh_seconds: how long a count is good enough.
    """

    def __init__(self, workspace: Workspace, fresh_seconds: float = 5.0) -> None:
        self._workspace = workspace
        self._fresh_seconds = fresh_seconds
        self._counted = float("-inf")
        self._files: dict[str, dict[str, int]] = {}

    async def temp_files(self) -> dict[str, dict[str, int]]:
        """`{"video": {"totalJobs", "totalFiles", "totalSize"}, …}`; sizes in bytes."""
        if time.monotonic() - self._counted > self._fresh_seconds:
            # Many jobs make a long walk, which the event loop must not take.
            self._files = await asyncio.to_thread(count, self._workspace)
            self._counted = time.monotonic()
        return self._files


def count(workspace: Workspace) -> dict[str, dict[str, int]]:
    """Jobs, files and bytes of each kind on the disk right now."""
    tally = {kind: {"totalJobs": 0, "totalFiles": 0, "totalSize": 0} for kind in KINDS}
    for job in workspace.survey():
        _add(tally[job.kind or "unknown"], job)
    return tally


def _add(row: dict[str, int], job: JobOnDisk) -> None:
    row["totalJobs"] += 1
    row["totalFiles"] += job.files
    row["totalSize"] += job.size
