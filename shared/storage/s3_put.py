"""One file on its way into a bucket: in one request, or in parts."""

import asyncio
import base64
import secrets
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.errors import StorageUnavailable
from shared.storage.base import Intent, Journal
from shared.storage.copying import in_thread
from shared.storage.s3_body import Body, Part, md5, parts, sha256
from shared.storage.s3_errors import translated
from shared.storage.s3_mark import Mark
from shared.storage.s3_uploads import abort
from shared.storage.settings import Bucket
from shared.together import together

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef


@dataclass(frozen=True)
class Put:
    """The open file `file` of `size` bytes, to be stored under `key`.

    Raises `Taken` where it may only create, and there is an object already.
    """

    client: "S3Client"
    bucket: Bucket
    key: str
    file: int
    size: int
    media_type: str
    mark: Mark

    @property
    def _address(self) -> dict[str, Any]:
        return {"Bucket": self.bucket.name, "Key": self.key}

    @property
    def _condition(self) -> dict[str, Any]:
        return {} if self.mark.replaced else {"IfNoneMatch": "*"}

    @property
    def _headers(self) -> dict[str, Any]:
        return {"ContentType": self.media_type, "Metadata": self.mark.metadata()}

    async def at_once(self, journal: Journal) -> None:
        """Send the file in one request; the service compares its SHA-256."""
        journal(Intent(key=self.key))
        await self._verify()
        checksum = base64.b64encode(bytes.fromhex(self.mark.sha256)).decode()
        with translated(self.bucket):
            await self.client.put_object(
                **self._address,
                **self._condition,
                **self._headers,
                Body=Body(self.file, Part(1, 0, self.size)),
                ChecksumSHA256=checksum,
            )

    async def in_parts(self, slots: asyncio.Semaphore, journal: Journal) -> None:
        """Send the file in parts, as many at a time as there are `slots`.

        The service compares the MD5 of each part (R2 takes no SHA-256 of parts); we compare
        the SHA-256 of the whole before the parts become an object.
        """
        begun = secrets.token_hex(8)
        journal(Intent(key=self.key, begun=begun))
        beginning = asyncio.create_task(self._begin(begun, journal))
        try:
            upload = await asyncio.shield(beginning)
            sent = await self._send_all(upload, slots)
            with translated(self.bucket):
                await self.client.complete_multipart_upload(
                    **self._address,
                    **self._condition,
                    UploadId=upload,
                    MultipartUpload={"Parts": sent},
                )
        except BaseException:
            with suppress(StorageUnavailable):  # the first failure counts; cleanup aborts again
                await abort(self.client, self.bucket, self.key, await beginning)
            raise

    async def _begin(self, begun: str, journal: Journal) -> str:
        """The id of a new multipart upload, written down before any part is sent.

        Not to be cancelled: an upload whose id nobody knows can hardly be found again.
        """
        with translated(self.bucket):
            answer = await self.client.create_multipart_upload(**self._address, **self._headers)
        upload = answer["UploadId"]
        # A request that the client had to send again may have begun two, one of them unknown.
        once = answer["ResponseMetadata"].get("RetryAttempts", 0) == 0
        try:
            journal(Intent(key=self.key, token=upload, begun=begun if once else None))
        except BaseException:
            await abort(self.client, self.bucket, self.key, upload)
            raise
        return upload

    async def _send_all(
        self, upload: str, slots: asyncio.Semaphore
    ) -> "list[CompletedPartTypeDef]":
        works: list[Coroutine[Any, Any, CompletedPartTypeDef | None]] = [self._verify()]
        works += [
            self._send(upload, part, slots) for part in parts(self.size, self.bucket.part_bytes)
        ]
        return [sent for sent in await together(works) if sent is not None]

    async def _send(
        self, upload: str, part: Part, slots: asyncio.Semaphore
    ) -> "CompletedPartTypeDef":
        async with slots:
            checksum = await in_thread(partial(md5, self.file, part))
            with translated(self.bucket):
                answer = await self.client.upload_part(
                    **self._address,
                    UploadId=upload,
                    PartNumber=part.number,
                    Body=Body(self.file, part),
                    ContentMD5=checksum,
                )
        return {"PartNumber": part.number, "ETag": answer["ETag"]}

    async def _verify(self) -> None:
        found = await in_thread(partial(sha256, self.file, Part(1, 0, self.size)))
        if found != self.mark.sha256:
            raise StorageUnavailable(
                f"what was to be stored as '{self.key}' does not match its SHA-256"
            )
