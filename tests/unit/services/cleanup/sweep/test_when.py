"""When the sweep runs."""

import asyncio
import datetime
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from services.cleanup.settings import CleanupSettings
from services.cleanup.sweep import seconds_to_next
from tests.flow import Flow
from tests.unit.services.cleanup.sweep.lane import (
    HOUR,
    sweep_of,
)
from tests.waiting import until

NOON = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, HOUR),
        ({"cleanup_interval_hours": 0.5}, HOUR / 2),
        ({"temp_file_cleanup_cron": "*/10 * * * *"}, 600),
        ({"temp_file_cleanup_cron": "30 3 * * *"}, 15.5 * HOUR),
        ({"temp_file_cleanup_cron": "0 12 * * *", "cleanup_interval_hours": 1}, 24 * HOUR),
    ],
)
def test_seconds_to_next(settings: dict[str, Any], seconds: float) -> None:
    assert seconds_to_next(CleanupSettings(**settings), NOON) == seconds


def test_cron_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'often' is no cron expression"):
        CleanupSettings(temp_file_cleanup_cron="often")


@pytest.mark.parametrize("never", ["0 0 30 2 *", "0 0 31 4 *"])
def test_cron_that_never_comes_is_refused(never: str) -> None:
    with pytest.raises(ValidationError, match="names no day that ever comes"):
        CleanupSettings(temp_file_cleanup_cron=never)


def test_cron_that_seldom_comes_is_taken() -> None:
    settings = CleanupSettings(temp_file_cleanup_cron="0 0 29 2 *")

    assert settings.temp_file_cleanup_cron == "0 0 29 2 *"


async def test_goes_on_where_the_next_time_cannot_be_told(
    one: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise ValueError("no such day")

    monkeypatch.setattr("services.cleanup.sweep.seconds_to_next", fail)
    sweep = sweep_of(one)
    running = asyncio.create_task(sweep.forever(CleanupSettings(cleanup_interval_hours=1e-6)))
    with capture_logs() as logs:
        await until(lambda: len(logs) > 1)
    assert not running.done()
    monkeypatch.undo()
    await until(lambda: one.workspace.last_sweep() != {})
    running.cancel()
    await asyncio.wait([running])


async def test_sweeps_at_start_and_again(one: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cleanup.sweep.seconds_to_next", lambda *_: 0.05)
    sweep = sweep_of(one)
    running = asyncio.create_task(sweep.forever(CleanupSettings()))
    await until(lambda: one.workspace.last_sweep() != {})
    (one.workspace.root / "sweep.json").unlink()
    await until(lambda: one.workspace.last_sweep() != {})
    # A sweep that fails is not the last.
    volume = one.workspace.root / "volume"
    volume.rename(volume.with_name("away"))
    (one.workspace.root / "sweep.json").unlink()
    await asyncio.sleep(0.1)
    volume.with_name("away").rename(volume)
    await until(lambda: one.workspace.last_sweep() != {})
    assert sweep.overdue() is None
    running.cancel()
    await asyncio.wait([running])


async def test_sweep_that_hangs_is_overdue(one: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = sweep_of(one)
    assert sweep.overdue() is None
    monkeypatch.setattr(sweep, "_due", -1000.0)
    assert "overdue" in (sweep.overdue() or "")
