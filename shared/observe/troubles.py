"""The jobs that could not be ended yet: cleanup never gives up, so it has to say so."""

import time


class Troubles:
    """Why jobs are not cleaned up.

    Args:
        remember_seconds: how long a failure counts; another service may have ended the job.
    """

    def __init__(self, remember_seconds: float) -> None:
        self._remember_seconds = remember_seconds
        self._reasons: dict[str, tuple[float, str]] = {}

    def failed(self, job_id: str, reason: str) -> None:
        """The job could not be ended, and will be tried again."""
        self._reasons[job_id] = (time.monotonic(), reason)

    def ended(self, job_id: str) -> None:
        """The job has ended after all."""
        self._reasons.pop(job_id, None)

    def summary(self) -> str | None:
        """A sentence with the latest reason, where there is one."""
        oldest = time.monotonic() - self._remember_seconds
        self._reasons = {job: one for job, one in self._reasons.items() if one[0] >= oldest}
        if not self._reasons:
            return None
        _, reason = max(self._reasons.values())
        return f"jobs that cannot be cleaned up: {len(self._reasons)}; the latest: {reason}"
