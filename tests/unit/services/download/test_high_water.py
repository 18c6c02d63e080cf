"""The mark at which downloads stop, and the one at which they go on."""

from pathlib import Path

import pytest

from services.download.high_water import HighWater
from shared.workspace import Workspace

GIB = 2**30


class Volume:
    """A volume of 100 GiB."""

    def __init__(self) -> None:
        self.free = 50 * GIB

    def __call__(self) -> tuple[int, int]:
        return self.free, 100 * GIB


@pytest.fixture
def volume() -> Volume:
    return Volume()


def test_downloads_stop_at_the_mark_and_go_on_with_some_room_more(volume: Volume) -> None:
    mark = HighWater(volume, percent=90, floor_bytes=GIB)
    reached = []
    for free in (50, 10, 9.9, 10, 11.9, 12, 10):
        volume.free = int(free * GIB)
        reached.append(mark.reason() is not None)
    assert reached == [False, False, True, True, True, False, False]


def test_the_floor_counts_where_it_is_higher(volume: Volume) -> None:
    mark = HighWater(volume, percent=100, floor_bytes=5 * GIB)
    assert mark.reason() is None
    volume.free = 5 * GIB - 1
    assert mark.reason() is not None


def test_the_reason_says_what_is_there_and_what_is_needed(volume: Volume) -> None:
    mark = HighWater(volume, percent=90, floor_bytes=0)
    volume.free = GIB
    reason = mark.reason()
    assert reason is not None
    assert "1024 MiB are free" in reason
    assert "go on at 12288" in reason
    assert "DISK_HIGH_WATER_PERCENT" in reason


def test_a_volume_that_is_gone_holds_nothing_up(tmp_path: Path) -> None:
    gone = Workspace(tmp_path / "gone")
    assert HighWater(gone.space, percent=1, floor_bytes=2**60).reason() is None
