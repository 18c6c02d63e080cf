"""Objects in a bucket of Amazon S3, Cloudflare R2, or any service that speaks their language.

Objects are created with `If-None-Match: *`, and say in their metadata which run put them
there. So a run that finds its own object is done, and a rollback deletes its own alone;
an object that took another's place (`overwrite`) says so too, and stays.

Limits: between the look at an object and its deletion another may replace it. The service
must honour `If-None-Match` (`check` makes sure), and tell those who may not list the bucket
that an object is missing (Amazon says 403 instead of 404 without `s3:ListBucket`). An upload
whose id nobody could write down (its process died, or the answer was lost) holds no bytes;
the sweep finds it an hour later at the earliest. A lifecycle rule that aborts incomplete
multipart uploads after a day is the net below.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import quote

from shared.errors import ObjectExists, SourceTooLarge, StorageUnavailable
from shared.storage.base import Intent, Journal, Owner, Stored
from shared.storage.copying import CHUNK_BYTES, in_thread, new_file, original, write_all
from shared.storage.keys import PRIVATE, checked
from shared.storage.s3_client import connected
from shared.storage.s3_errors import Missing, NoUpload, Taken, translated
from shared.storage.s3_mark import Mark
from shared.storage.s3_put import Put
from shared.storage.s3_uploads import abort, abort_dangling
from shared.storage.settings import Bucket, StorageSettings

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3 import S3Client


class _Found(NamedTuple):
    size: int
    mark: Mark | None


class S3Storage:
    """The objects of one bucket, over one client that opens with the first request."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._slots = asyncio.Semaphore(bucket.parts_in_flight)
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        self._connected: S3Client | None = None

    @classmethod
    def opened(cls, settings: StorageSettings, bucket: str | None = None) -> Self:
        """The bucket that the settings name, or another one of the same service."""
        return cls(settings.bucket if bucket is None else replace(settings.bucket, name=bucket))

    async def _client(self) -> "S3Client":
        async with self._opening:
            if self._connected is None:
                with translated(self._bucket):
                    self._connected = await self._open.enter_async_context(connected(self._bucket))
        return self._connected

    async def close(self) -> None:
        """Close the client's connections; another request opens them again."""
        async with self._opening:
            self._connected = None
            await self._open.aclose()

    async def put(
        self,
        key: str,
        source: Path,
        *,
        media_type: str,
        sha256: str,
        owner: Owner,
        journal: Journal,
        overwrite: bool = False,
    ) -> None:
        """Upload `source`, in parts if it is large; see `Storage`."""
        checked(key)
        with original(source) as file:
            size = os.fstat(file).st_size
            large = size > self._bucket.part_bytes
            # A small put finds out by itself whether there is an object; saves a request.
            found = await self._find(key) if overwrite or large else None
            mark = Mark(owner, sha256, replaced=found is not None)
            if found and _is_done(key, found, mark, overwrite=overwrite):
                return
            put = Put(await self._client(), self._bucket, key, file, size, media_type, mark)
            try:
                await (put.in_parts(self._slots, journal) if large else put.at_once(journal))
            except (Taken, NoUpload):
                await self._confirm(key, mark, overwrite=overwrite)

    async def _confirm(self, key: str, mark: Mark, *, overwrite: bool) -> None:
        """Look at the object that is in the way: ours, if only the answer to us was lost."""
        found = await self._find(key)
        if found is None or not _is_done(key, found, mark, overwrite=overwrite):
            raise StorageUnavailable(f"the upload of '{key}' was crossed by another one")

    async def get(self, key: str, target: Path, *, limit_bytes: int) -> None:
        """Stream the object into the new file `target`; see `Storage`."""
        client = await self._client()
        try:
            with translated(self._bucket):
                answer = await client.get_object(Bucket=self._bucket.name, Key=checked(key))
        except Missing:
            raise FileNotFoundError(key) from None
        async with answer["Body"] as body:
            if answer["ContentLength"] > limit_bytes:
                raise SourceTooLarge(f"'{key}' has more than {limit_bytes} bytes")
            with new_file(target) as file:
                while chunk := await self._chunk(body):
                    await in_thread(partial(write_all, file, chunk))

    async def _chunk(self, body: "StreamingBody") -> bytes:
        """The next bytes of an object; none at its end."""
        with translated(self._bucket):
            chunk: bytes = await body.read(CHUNK_BYTES)
        return chunk

    async def stat(self, key: str) -> Stored | None:
        """The object with its owner, or None where there is none."""
        found = await self._find(checked(key))
        if found is None:
            return None
        return Stored(key=key, size=found.size, owner=found.mark.owner if found.mark else None)

    async def _find(self, key: str) -> _Found | None:
        client = await self._client()
        try:
            with translated(self._bucket):
                head = await client.head_object(Bucket=self._bucket.name, Key=key)
        except Missing:
            return None
        return _Found(head["ContentLength"], Mark.read(head["Metadata"]))

    async def delete(self, key: str) -> None:
        """Delete the object."""
        await self._delete(checked(key))

    async def _delete(self, key: str) -> None:
        client = await self._client()
        with suppress(Missing), translated(self._bucket):
            await client.delete_object(Bucket=self._bucket.name, Key=key)

    async def settle(self, intent: Intent, owner: Owner) -> None:
        """Abort the multipart upload, if an attempt that died left it behind."""
        if intent.token:
            await abort(await self._client(), self._bucket, checked(intent.key), intent.token)
        elif intent.begun:
            await abort_dangling(await self._client(), self._bucket, checked(intent.key))

    async def rollback(self, intent: Intent, owner: Owner) -> None:
        """Abort what is under way, then delete the object if this run created it."""
        await self.settle(intent, owner)
        if intent.token is None and intent.begun is None:
            # A key in a receipt does not tell how its object was put.
            await abort_dangling(await self._client(), self._bucket, checked(intent.key))
        found = await self._find(intent.key)
        if found and found.mark and found.mark.owner == owner and not found.mark.replaced:
            await self._delete(intent.key)

    def url(self, key: str) -> str:
        """`key` below the public URL, or else in the bucket itself."""
        return f"{self._base_url}/{quote(key)}"

    @property
    def _base_url(self) -> str:
        bucket = self._bucket
        if bucket.public_url:
            return bucket.public_url.rstrip("/")
        if bucket.endpoint_url:
            return f"{bucket.endpoint_url.rstrip('/')}/{bucket.name}"
        region = f".{bucket.region}" if bucket.region else ""
        return f"https://{bucket.name}.s3{region}.amazonaws.com"

    async def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        """All objects whose keys begin with `prefix`, in order of key, without their owners."""
        client = await self._client()
        pages = client.get_paginator("list_objects_v2")
        with translated(self._bucket):
            async for page in pages.paginate(Bucket=self._bucket.name, Prefix=prefix):
                for found in page.get("Contents", []):
                    if not found["Key"].startswith(f"{PRIVATE}/"):
                        yield Stored(key=found["Key"], size=found["Size"])

    async def check(self) -> None:
        """Write, fail to write again, and remove a probe."""
        client = await self._client()
        probe: dict[str, Any] = {
            "Bucket": self._bucket.name,
            "Key": f"{PRIVATE}/probe.{secrets.token_hex(8)}",
        }
        with translated(self._bucket):
            await client.put_object(**probe, Body=b"")
            try:
                await self._refuse_to_overwrite(probe)
            finally:
                await client.delete_object(**probe)

    async def _refuse_to_overwrite(self, probe: dict[str, Any]) -> None:
        client = await self._client()
        with suppress(Taken), translated(self._bucket):
            await client.put_object(**probe, Body=b"", IfNoneMatch="*")
            raise StorageUnavailable(
                f"the bucket '{self._bucket.name}' ignores If-None-Match: objects could be "
                "overwritten"
            )


def _is_done(key: str, found: _Found, mark: Mark, *, overwrite: bool) -> bool:
    """Whether the object is what `mark` says already; refuses another's."""
    if found.mark and (found.mark.owner, found.mark.sha256) == (mark.owner, mark.sha256):
        return True
    if not overwrite:
        raise ObjectExists(f"the storage already has another object under '{key}'")
    return False
