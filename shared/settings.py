"""What every service is told by its environment. Read once at start, frozen, handed down."""

import tempfile
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Base of all settings: environment variables named like the fields, frozen once read."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)


class BrokerSettings(Settings):
    """Where messages travel."""

    amqp_url: str = Field(
        default="amqp://guest:guest@localhost:5672/",
        pattern=r"^amqps?://",
        description="RabbitMQ: amqp://user:password@host:port/vhost",
    )
    queue_prefix: str = Field(
        default="video.processing",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        max_length=100,
        description="prefix of all queues; another prefix is another lane, with its own files",
    )
    confirm_seconds: float = Field(
        default=30, gt=0, le=600, description="how long a publish may wait for its confirm"
    )

    @field_validator("amqp_url")
    @classmethod
    def _names_a_broker(cls, value: str) -> str:
        # What is wrong is not repeated: it may be a piece of the password.
        if reason := _fault_of(value):
            raise ValueError(
                f"{reason}; it is amqp://user:password@host:port/vhost, where / ? # @ within the"
                " user, the password and the vhost are written as %2F %3F %23 %40"
            )
        return value


def _fault_of(address: str) -> str | None:
    """Why the broker's address cannot be used, if so; by the library that will use it."""
    from yarl import URL

    try:
        url = URL(address)
        host = (url.raw_host or "").encode("idna")
    except ValueError:
        return "its host or its port cannot be read"
    if not host:
        return "it names no host"
    if url.port == 0:
        return "its port must be from 1 to 65535"
    if url.fragment or "@" in url.raw_path_qs:
        return "it has a # or an @ behind its host"
    return None


class WorkspaceSettings(Settings):
    """Where temporary files lie, and for how long."""

    temp_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()) / "millrace",
        description="the work directory, on a volume that all services of a lane share",
    )
    job_ttl_hours: float = Field(
        default=24,
        gt=0,
        le=24 * 30,
        description="how long a job may take, waiting in queues included",
    )
    disk_floor_bytes: int = Field(
        default=512 * 2**20, ge=0, description="free bytes on the volume that stay free"
    )
    disk_room_factor: float = Field(
        default=3, ge=1, le=100, description="room reserved for a job, in sizes of its source"
    )


class DeliverySettings(Settings):
    """How often, and for how long, a stage tries."""

    max_attempts: int = Field(
        default=5, ge=1, le=100, description="attempts of one stage before the job fails"
    )
    stage_limit_seconds: float = Field(
        default=25 * 60,
        gt=0,
        le=30 * 86400,
        description="how long one attempt may work; cleanup may take any time",
    )
    delivery_renew_seconds: float = Field(
        default=20 * 60,
        gt=0,
        description="a delivery older than this is renewed; at most nine tenths of "
        "CONSUMER_TIMEOUT_SECONDS",
    )
    consumer_timeout_seconds: float = Field(
        default=30 * 60,
        gt=0,
        description="the broker's own `consumer_timeout`, by default RabbitMQ's; AMQP does not tell"
        " it, so say here what you set it to",
    )
    drain_seconds: float = Field(
        default=25, ge=0, le=3600, description="how long a stopping service waits for its work"
    )

    @model_validator(mode="after")
    def _renews_in_time(self) -> Self:
        latest = _SHARE_OF_PATIENCE * self.consumer_timeout_seconds
        if self.delivery_renew_seconds > latest:
            raise ValueError(
                f"DELIVERY_RENEW_SECONDS: {self.delivery_renew_seconds:g} is too late, for the"
                f" broker takes back what is not acknowledged after CONSUMER_TIMEOUT_SECONDS"
                f" ({self.consumer_timeout_seconds:g}); at most {latest:g}"
            )
        return self


# The rest is for the supervisor's look, a confirm that is slow, and another try.
_SHARE_OF_PATIENCE = 0.9


class ServiceSettings(Settings):
    """How a service speaks to people and probes."""

    health_host: str = Field(default="0.0.0.0", description="address of the health server")  # noqa: S104 - probes come from outside the container
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level of the lines that are logged"
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: for people on a terminal, JSON otherwise"
    )
