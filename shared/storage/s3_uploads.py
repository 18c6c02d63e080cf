"""Multipart uploads that nobody goes on with."""

import datetime
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from shared.storage.s3_errors import NoUpload, translated
from shared.storage.settings import Bucket

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_DANGLING_AFTER = datetime.timedelta(hours=1)


async def abort(client: "S3Client", bucket: Bucket, key: str, upload: str) -> None:
    """Abort a multipart upload. Aborting what was completed or aborted is not an error."""
    with suppress(NoUpload), translated(bucket):
        await client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload)


async def abort_dangling(client: "S3Client", bucket: Bucket, key: str) -> None:
    """Abort the uploads to `key` that nobody can know: long begun, and without a part.

    A run writes an upload's id down before its first part, so one with parts has an owner
    that will finish or abort it. The hour (by the service's own clock) keeps us off another
    run's that has only just begun.
    """
    with translated(bucket):
        answer = await client.list_multipart_uploads(Bucket=bucket.name, Prefix=key)
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if told is None:  # no age can be told: the bucket's lifecycle rule aborts them
        return
    now = parsedate_to_datetime(told)
    for upload in answer.get("Uploads", []):
        old = now - upload["Initiated"] > _DANGLING_AFTER
        if (
            old
            and upload["Key"] == key
            and await _is_empty(client, bucket, upload["UploadId"], key)
        ):
            await abort(client, bucket, key, upload["UploadId"])


async def _is_empty(client: "S3Client", bucket: Bucket, upload: str, key: str) -> bool:
    with suppress(NoUpload), translated(bucket):
        answer = await client.list_parts(Bucket=bucket.name, Key=key, UploadId=upload)
        return not answer.get("Parts")
    return False
