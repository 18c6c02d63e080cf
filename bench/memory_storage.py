"""The storages that the upload service is measured with, as environment variables for it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import boto3

from tests.servers.s3 import REGION, credentials, s3


@contextmanager
def local() -> Iterator[Mapping[str, str]]:
    """A folder, which the services bring along."""
    yield {"STORAGE_MODE": "local"}


@contextmanager
def bucket() -> Iterator[Mapping[str, str]]:
    """A bucket of the S3 service at hand, gone afterwards with all that is in it."""
    key_id, secret = credentials()
    with s3() as endpoint:
        made = boto3.resource(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        ).Bucket(f"millrace-{uuid4().hex}")
        made.create()
        try:
            yield {
                "STORAGE_MODE": "s3",
                "S3_ENDPOINT_URL": endpoint,
                "S3_REGION": REGION,
                "S3_BUCKET_NAME": made.name,
                "S3_ACCESS_KEY_ID": key_id,
                "S3_SECRET_ACCESS_KEY": secret,
            }
        finally:
            made.objects.all().delete()
            for upload in made.multipart_uploads.all():
                upload.abort()
            made.delete()


STORAGES = {"local": local, "s3": bucket}
