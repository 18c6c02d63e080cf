"""What the download service can be told by environment variables."""

import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.settings import Settings

GIB = 1024**3
Network = IPv4Network | IPv6Network


def _split(separators: str) -> BeforeValidator:
    def parts(value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in re.split(f"[{separators}]", value) if part.strip()]

    return BeforeValidator(parts)


def _absolute(root: Path) -> Path:
    if not root.is_absolute():
        raise ValueError(f"'{root}' must be an absolute path")
    return root


def _range(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", value)
    if not match:
        raise ValueError(f"'{value}' is neither a port nor a range such as 8000-8999")
    ports = range(int(match[1]), int(match[2] or match[1]) + 1)
    if not ports or ports[0] < 1 or ports[-1] > 65535:
        raise ValueError(f"'{value}' must lie between 1 and 65535")
    return ports


Words = Annotated[tuple[str, ...], NoDecode, _split(",")]
Folder = Annotated[Path, AfterValidator(_absolute)]
Folders = Annotated[tuple[Folder, ...], NoDecode, _split("," + re.escape(os.pathsep))]
Networks = Annotated[tuple[Network, ...], NoDecode, _split(",")]
Port = Annotated[range, BeforeValidator(_range)]
Ports = Annotated[tuple[Port, ...], NoDecode, _split(",")]


class DownloadSettings(Settings):
    """Limits on what is fetched, and where from."""

    model_config = SettingsConfigDict(arbitrary_types_allowed=True)

    health_port: int = Field(
        default=8044, ge=0, le=65535, description="Port of the download service's health server."
    )
    download_concurrency: int = Field(
        default=8, ge=1, le=1000, description="Sources that are fetched at once."
    )
    max_download_bytes: int = Field(
        default=4 * GIB, ge=1, description="A source with more bytes is refused."
    )
    download_timeout_seconds: float = Field(
        default=1200, gt=0, le=86400, description="A download that takes longer is tried again."
    )
    download_connect_seconds: float = Field(
        default=10, gt=0, le=600, description="Time to resolve a host name and connect."
    )
    download_stall_seconds: float = Field(
        default=30, gt=0, le=3600, description="A server silent for so long counts as gone."
    )
    download_max_redirects: int = Field(
        default=5, ge=0, le=20, description="Redirects that are followed, each one checked."
    )
    download_max_resumes: int = Field(
        default=5,
        ge=0,
        le=100,
        description="Times that a broken download is gone on with before the attempt fails.",
    )
    disk_high_water_percent: float = Field(
        default=95,
        gt=0,
        le=100,
        description="No downloads are taken while more of the volume of TEMP_DIR is in use, or "
        "less than DISK_FLOOR_BYTES is free; 100 leaves it at the floor.",
    )
    source_roots: Folders = Field(
        default=(),
        description="Folders that file:// sources may lie under, separated by ':' or ','. "
        "None by default: no file:// source is allowed.",
    )
    source_buckets: Words = Field(
        default=(),
        description="S3 buckets that s3:// sources may be read from, beside the storage's own.",
    )
    allowed_networks: Networks = Field(
        default=(),
        description="Networks (10.1.0.0/16,fd00::/8) whose addresses may be fetched although "
        "they are not public.",
    )
    allowed_ports: Ports = Field(
        default=(range(80, 81), range(443, 444), range(8080, 8081), range(8443, 8444)),
        description="Ports and ranges of ports (80,443,8000-8999) that may be fetched from, "
        "in ALLOWED_NETWORKS too.",
    )
    user_agent: str = Field(
        default="Millrace/0.1",
        min_length=1,
        max_length=200,
        pattern=r"^[ -~]+$",
        description="How the service names itself to web servers.",
    )
