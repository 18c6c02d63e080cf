"""What the cleanup service is told by its environment."""

import datetime

from croniter import CroniterBadDateError, croniter
from pydantic import Field, field_validator

from shared.settings import Settings


class CleanupSettings(Settings):
    """When the sweep runs, and what it leaves alone."""

    health_port: int = Field(
        default=8047, ge=0, le=65535, description="port of the cleanup service's health server"
    )
    cleanup_concurrency: int = Field(
        default=16, ge=1, le=1000, description="jobs that are closed at once"
    )
    cleanup_interval_hours: float = Field(
        default=1, gt=0, le=24 * 7, description="hours between two sweeps"
    )
    temp_file_cleanup_cron: str | None = Field(
        default=None,
        description="when to sweep, as a cron expression in UTC; replaces the interval",
    )
    orphan_grace_minutes: float = Field(
        default=60,
        ge=0,
        le=60 * 24 * 7,
        description="what is younger than this is never taken for an orphan",
    )

    @field_validator("temp_file_cleanup_cron")
    @classmethod
    def _is_cron(cls, value: str | None) -> str | None:
        if value is not None and not croniter.is_valid(value):
            raise ValueError(f"'{value}' is no cron expression")
        return value

    @field_validator("temp_file_cleanup_cron")
    @classmethod
    def _comes_to_pass(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                croniter(value, datetime.datetime.now(datetime.UTC)).get_next()
            except CroniterBadDateError:
                raise ValueError(f"'{value}' names no day that ever comes") from None
        return value
