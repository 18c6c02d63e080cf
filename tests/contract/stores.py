"""Every storage, made the same way, and what each of them must not leave behind."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from pydantic import SecretStr

from shared.storage.base import Intent, Owner, Storage
from shared.storage.filesystem import FilesystemStorage
from shared.storage.memory import MemoryStorage
from shared.storage.s3 import S3Storage
from shared.storage.settings import Bucket
from tests.servers.s3 import REGION, credentials

PART_BYTES = 5 << 20  # the least that S3 takes


@dataclass
class Store:
    """A storage under test.

    Attributes:
        leftovers: names of what served puts alone and is still there.
        journalled: the intents of all puts so far.
    """

    storage: Storage
    leftovers: Callable[[], Iterable[str]]
    journalled: list[Intent] = field(default_factory=list)

    async def put(
        self, key: str, source: Path, owner: Owner, *, sha256: str = "", overwrite: bool = False
    ) -> None:
        await self.storage.put(
            key,
            source,
            media_type="image/webp",
            sha256=sha256 or hashlib.sha256(source.read_bytes()).hexdigest(),
            owner=owner,
            journal=self.journalled.append,
            overwrite=overwrite,
        )

    async def settle(self, owner: Owner) -> None:
        for intent in self.journalled:
            await self.storage.settle(intent, owner)

    async def rollback(self, owner: Owner) -> None:
        for intent in self.journalled:
            await self.storage.rollback(intent, owner)

    async def keys(self) -> list[str]:
        return [stored.key async for stored in self.storage.list()]


def memory() -> Store:
    return Store(MemoryStorage("https://cdn.example"), list)


def filesystem(root: Path) -> Store:
    def leftovers() -> list[str]:
        return [path.name for path in (root / ".millrace").glob("*")]

    return Store(FilesystemStorage(root, "https://cdn.example/"), leftovers)


def s3(endpoint: str, bucket: str) -> Store:
    uploads = _service(endpoint).Bucket(bucket).multipart_uploads

    def leftovers() -> list[str]:
        return [upload.id for upload in uploads.all()]

    return Store(S3Storage(bucket_at(endpoint, bucket)), leftovers)


@cache
def _service(endpoint: str) -> Any:
    key_id, secret = credentials()
    return boto3.resource(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )


def bucket_at(endpoint: str, bucket: str) -> Bucket:
    key_id, secret = credentials()
    return Bucket(
        name=bucket,
        endpoint_url=endpoint,
        region=REGION,
        access_key_id=SecretStr(key_id),
        secret_access_key=SecretStr(secret),
        public_url="https://cdn.example",
        part_bytes=PART_BYTES,
    )
