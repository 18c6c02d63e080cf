"""When a device that fails is left alone. Pure."""

from collections import deque

FAILURES = 3
WITHIN_SECONDS = 60.0


class Breaker:
    """Opens at several failures within a while; who closes it again makes a new one."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=FAILURES)

    def failed(self, now: float) -> bool:
        """Count a failure; whether these are enough.

        Args:
            now: seconds of a clock that only goes forward.
        """
        self._at.append(now)
        return len(self._at) == FAILURES and now - self._at[0] <= WITHIN_SECONDS
