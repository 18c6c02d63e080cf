"""What went wrong lately and is tried again for ever, so that somebody has to be told."""

import time


class Troubles:
    """Why some jobs or deliveries cannot be brought to their end.

    Args:
        what: which ones these are, as `/health` says it.
        remember_seconds: how long a failure counts; another service may have ended the job.
    """

    def __init__(self, what: str, remember_seconds: float) -> None:
        self._what = what
        self._remember_seconds = remember_seconds
        self._reasons: dict[str, tuple[float, str]] = {}

    def failed(self, of: str, reason: str) -> None:
        """This one could not be ended, and will be tried again."""
        self._reasons[of] = (time.monotonic(), reason)

    def ended(self, of: str) -> None:
        """It has ended after all."""
        self._reasons.pop(of, None)

    def summary(self) -> str | None:
        """A sentence with the latest reason, where there is one."""
        oldest = time.monotonic() - self._remember_seconds
        self._reasons = {of: one for of, one in self._reasons.items() if one[0] >= oldest}
        if not self._reasons:
            return None
        _, reason = max(self._reasons.values())
        return f"{self._what}: {len(self._reasons)}; the latest: {reason}"
