"""Which storage the results go to, and how it is reached."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.settings import Settings

Mode = Literal["local", "s3", "r2"]

_MEBIBYTE = 1 << 20
# A bucket's name, wherever; Amazon takes the ARN of an access point in its place.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}|arn:[A-Za-z0-9:/._-]{1,255}")
_NEEDED: dict[Mode, tuple[str, ...]] = {
    "local": (),
    "s3": ("s3_bucket_name",),
    "r2": ("r2_account_id", "r2_access_key_id", "r2_secret_access_key", "r2_bucket_name"),
}


@dataclass(frozen=True)
class Bucket:
    """One bucket of an S3 service, and how it is spoken to.

    Attributes:
        endpoint_url: the service; None is Amazon's, by its region.
        access_key_id, secret_access_key: None leaves them to Amazon's own search (environment,
            role of the machine).
        public_url: where its objects are public; None is the bucket's own address.
        part_bytes: files larger than this are uploaded in parts of this size.
        parts_in_flight: how many of them at a time, over all uploads together.
    """

    name: str
    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    public_url: str | None = None
    part_bytes: int = 16 * _MEBIBYTE
    parts_in_flight: int = 4


class StorageSettings(Settings):
    """Where results go: a folder, an S3 bucket, or a bucket of Cloudflare R2."""

    storage_mode: Mode = Field(
        default="local", description="where results go: `local` (a folder), `s3` or `r2`"
    )
    upload_path: Path = Field(
        default=Path("uploads"), description="the folder that results go to (`local`)"
    )
    public_url: str = Field(
        default="/uploads", description="the address below which that folder is public (`local`)"
    )

    r2_account_id: str | None = Field(default=None, description="account of Cloudflare R2")
    r2_access_key_id: SecretStr | None = Field(default=None, description="access key of R2")
    r2_secret_access_key: SecretStr | None = Field(default=None, description="secret key of R2")
    r2_bucket_name: str | None = Field(default=None, description="bucket of R2")
    r2_public_url: str | None = Field(
        default=None, description="the address below which the R2 bucket is public"
    )

    s3_endpoint_url: str | None = Field(
        default=None, description="address of the S3 service; Amazon's where it is not set"
    )
    s3_region: str | None = Field(default=None, description="region of the S3 bucket")
    s3_bucket_name: str | None = Field(default=None, description="bucket of S3")
    s3_access_key_id: SecretStr | None = Field(
        default=None, description="access key of S3; without it, Amazon's usual search decides"
    )
    s3_secret_access_key: SecretStr | None = Field(default=None, description="secret key of S3")
    s3_public_url: str | None = Field(
        default=None, description="the address below which the S3 bucket is public"
    )

    s3_part_bytes: int = Field(
        default=16 * _MEBIBYTE,
        ge=5 * _MEBIBYTE,
        le=5120 * _MEBIBYTE,
        description="larger files are uploaded in parts of this many bytes (S3 and R2)",
    )
    s3_parts_in_flight: int = Field(
        default=4, ge=1, le=64, description="how many parts are uploaded at a time (S3 and R2)"
    )

    @field_validator("s3_endpoint_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not _is_http(value):
            raise ValueError("must be an address such as http://minio:9000, without user or query")
        return value

    @field_validator("s3_bucket_name", "r2_bucket_name")
    @classmethod
    def _is_a_bucket(cls, value: str | None) -> str | None:
        if value is not None and not _BUCKET.fullmatch(value):
            raise ValueError("must be the bucket's name alone: letters, digits, '.', '_' and '-'")
        return value

    @field_validator("r2_account_id")
    @classmethod
    def _is_an_account(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9.-]+", value):
            raise ValueError("must be the account's id alone: letters and digits")
        return value

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Self:
        missing = [name for name in _NEEDED[self.storage_mode] if getattr(self, name) is None]
        if missing:
            names = ", ".join(name.upper() for name in missing)
            raise ValueError(f"{names} must be set, since STORAGE_MODE is {self.storage_mode}")
        if (self.s3_access_key_id is None) != (self.s3_secret_access_key is None):
            raise ValueError("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set together")
        return self

    @property
    def bucket(self) -> Bucket:
        """The bucket that the mode `s3` or `r2` stands for."""
        if self.storage_mode == "r2":
            return self._r2_bucket()
        return Bucket(
            name=self.s3_bucket_name or "",
            endpoint_url=self.s3_endpoint_url,
            region=self.s3_region,
            access_key_id=self.s3_access_key_id,
            secret_access_key=self.s3_secret_access_key,
            public_url=self.s3_public_url,
            part_bytes=self.s3_part_bytes,
            parts_in_flight=self.s3_parts_in_flight,
        )

    def _r2_bucket(self) -> Bucket:
        return Bucket(
            name=self.r2_bucket_name or "",
            endpoint_url=f"https://{self.r2_account_id}.r2.cloudflarestorage.com",
            region="auto",
            access_key_id=self.r2_access_key_id,
            secret_access_key=self.r2_secret_access_key,
            public_url=self.r2_public_url,
            part_bytes=self.s3_part_bytes,
            parts_in_flight=self.s3_parts_in_flight,
        )


def _is_http(address: str) -> bool:
    """Whether an S3 service can be at this address."""
    try:
        parts = urlsplit(address)
        usable_port = parts.port != 0
    except ValueError:
        return False
    extra = parts.username or parts.query or parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and usable_port and not extra
