"""The mark above which the disk takes no new jobs, so that those which are there can end."""

from collections.abc import Callable
from contextlib import suppress

# Downloads go on when so much more is free: at the mark itself they would stop and go for ever.
ROOM_TO_GO_ON = 1.2


class HighWater:
    """Watches the volume of the work directory.

    Args:
        space: free and all bytes of the volume.
        percent: how much of it may be in use.
        floor_bytes: what has to stay free in any case: below it no job could reserve room.
    """

    def __init__(
        self, space: Callable[[], tuple[int, int]], percent: float, floor_bytes: int
    ) -> None:
        self._space = space
        self._percent = percent
        self._floor_bytes = floor_bytes
        self._reached = False

    def reason(self) -> str | None:
        """Why downloads have to wait, and what helps; None where there is room."""
        with suppress(OSError):
            # A volume that is gone is told of as such.
            free, total = self._space()
            needed = max(self._floor_bytes, total * (100 - self._percent) / 100)
            self._reached = free < needed * (ROOM_TO_GO_ON if self._reached else 1)
            if self._reached:
                return self._sentence(free, needed * ROOM_TO_GO_ON)
        return None

    def _sentence(self, free: int, needed: float) -> str:
        return (
            f"no downloads are taken: {free // 2**20} MiB are free on the volume of TEMP_DIR, and"
            f" they go on at {needed / 2**20:.0f}; jobs that end free some, else enlarge it"
            " (DISK_HIGH_WATER_PERCENT, DISK_FLOOR_BYTES)"
        )
