"""The connection to an S3 service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from pydantic import SecretStr

from shared.storage.settings import Bucket

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_COMPLETE_SECONDS = 600
_TRIES = 3
_SMALL_REQUESTS = 32


@asynccontextmanager
async def connected(bucket: Bucket) -> "AsyncIterator[S3Client]":
    """A client for the service that `bucket` is on; open for as long as the context.

    Checksums are sent where we give them, and no others: R2 and older services refuse what
    botocore adds of its own. Since each body comes with a checksum among the signed headers,
    bodies are not signed once more.
    """
    config = AioConfig(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _TRIES},
        max_pool_connections=bucket.parts_in_flight + _SMALL_REQUESTS,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={
            "addressing_style": "path" if bucket.endpoint_url else "auto",
            "payload_signing_enabled": False,
        },
    )
    async with _session().create_client(
        "s3",
        region_name=bucket.region,
        endpoint_url=bucket.endpoint_url,
        aws_access_key_id=_plain(bucket.access_key_id),
        aws_secret_access_key=_plain(bucket.secret_access_key),
        config=config,
    ) as client:
        client.meta.events.register("before-call.s3.CompleteMultipartUpload", _be_patient)
        yield client


def _be_patient(params: dict[str, Any], **_: object) -> None:
    """Some services copy all parts before they answer: minutes, where they are gigabytes."""
    params["context"]["read_timeout"] = _COMPLETE_SECONDS


@cache
def _session() -> AioSession:
    """One for all clients: it keeps the descriptions of the API, which take long to read."""
    return AioSession()


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
