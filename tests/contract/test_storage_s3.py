"""What the contract does not say, and a bucket must do."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from shared.errors import StorageUnavailable
from shared.storage.base import Intent, Owner, standing
from shared.storage.s3 import S3Storage
from shared.storage.settings import StorageSettings
from tests.contract.stores import PART_BYTES, bucket_at
from tests.servers.s3 import REGION, credentials

KEY = "users/42/film.mp4"
RUN = Owner(job_id="jöb", run=3)


@pytest.fixture
async def storage(s3_endpoint: str, s3_bucket: str) -> AsyncIterator[S3Storage]:
    storage = S3Storage(bucket_at(s3_endpoint, s3_bucket))
    yield storage
    await storage.close()


@pytest.fixture
def bucket(s3_endpoint: str, s3_bucket: str) -> Any:
    key_id, secret = credentials()
    return boto3.resource(
        "s3",
        endpoint_url=s3_endpoint,
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    ).Bucket(s3_bucket)


async def put(
    storage: S3Storage, source: Path, journalled: list[Intent] | None = None
) -> list[Intent]:
    intents = [] if journalled is None else journalled
    await storage.put(
        KEY,
        source,
        media_type="video/mp4",
        sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        owner=RUN,
        journal=intents.append,
    )
    return intents


async def test_an_object_says_what_it_is_and_whose(
    storage: S3Storage, bucket: Any, examples: Path
) -> None:
    source = examples / "mountains.jpg"
    await put(storage, source)
    head = bucket.meta.client.head_object(Bucket=bucket.name, Key=KEY)
    assert head["ContentType"] == "video/mp4"
    assert head["Metadata"]["millrace-run"] == "3"
    assert head["Metadata"]["millrace-sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    found = await storage.stat(KEY)
    assert found is not None
    assert found.owner == RUN


@pytest.mark.parametrize(("size", "suffix"), [(PART_BYTES, '"'), (2 * PART_BYTES + 1, '-3"')])
async def test_large_files_go_in_parts(
    storage: S3Storage, bucket: Any, tmp_path: Path, size: int, suffix: str
) -> None:
    source = tmp_path / "film"
    source.write_bytes(bytes(size))
    intents = await put(storage, source)
    etag = bucket.Object(KEY).e_tag
    assert etag.endswith(suffix)
    assert ("-" in etag) == (len(intents) == 2)
    assert bucket.Object(KEY).content_type == "video/mp4"


async def test_an_upload_left_behind_is_aborted_when_the_job_is_settled(
    storage: S3Storage, bucket: Any
) -> None:
    upload = bucket.Object(KEY).initiate_multipart_upload()
    upload.Part(1).upload(Body=b"x")
    await storage.settle(Intent(key=KEY, token=upload.id), RUN)
    assert list(bucket.multipart_uploads.all()) == []


async def test_a_rollback_finds_uploads_that_nobody_knows(storage: S3Storage, bucket: Any) -> None:
    bucket.Object(KEY).initiate_multipart_upload()
    sending = bucket.Object(KEY).initiate_multipart_upload()
    sending.Part(1).upload(Body=b"x")
    longer = bucket.Object(f"{KEY}.part").initiate_multipart_upload()
    await storage.rollback(Intent(key=KEY), RUN)
    left = {upload.id for upload in bucket.multipart_uploads.all()}
    assert left == {sending.id, longer.id}, "with a part it is another's; so is another key's"


async def test_an_upload_that_nobody_knows_goes_also_if_the_next_attempt_completes(
    storage: S3Storage, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await storage._client()
    begin = client.create_multipart_upload

    async def lost(**of: Any) -> None:
        await begin(**of)
        monkeypatch.undo()
        raise ConnectionResetError("the answer is lost")

    monkeypatch.setattr(client, "create_multipart_upload", lost)
    source = tmp_path / "film"
    source.write_bytes(bytes(PART_BYTES + 1))
    intents: list[Intent] = []
    with pytest.raises(StorageUnavailable):
        await put(storage, source, intents)
    await put(storage, source, intents)
    assert len(list(bucket.multipart_uploads.all())) == 1
    for intent in standing(intents):
        await storage.settle(intent, RUN)
    assert list(bucket.multipart_uploads.all()) == []
    assert await storage.stat(KEY) is not None


async def test_a_missing_bucket_is_named(s3_endpoint: str, tmp_path: Path) -> None:
    storage = S3Storage(bucket_at(s3_endpoint, "nowhere"))
    try:
        (tmp_path / "source").write_bytes(b"x")
        with pytest.raises(StorageUnavailable, match=r"the bucket 'nowhere' at .* does not exist"):
            await storage.check()
        with pytest.raises(StorageUnavailable, match="does not exist"):
            await put(storage, tmp_path / "source")
        with pytest.raises(StorageUnavailable, match="does not exist"):
            await storage.get(KEY, tmp_path / "target", limit_bytes=10)
        with pytest.raises(StorageUnavailable, match="does not exist"):
            [stored async for stored in storage.list()]
    finally:
        await storage.close()


async def test_another_bucket_of_the_same_service(
    s3_endpoint: str, s3_bucket: str, tmp_path: Path
) -> None:
    key_id, secret = credentials()
    settings = StorageSettings.model_validate(
        {
            "storage_mode": "s3",
            "s3_endpoint_url": s3_endpoint,
            "s3_region": REGION,
            "s3_bucket_name": "own",
            "s3_access_key_id": key_id,
            "s3_secret_access_key": secret,
        }
    )
    storage = S3Storage.opened(settings, s3_bucket)
    try:
        (tmp_path / "source").write_bytes(b"x")
        await put(storage, tmp_path / "source")
        assert await storage.stat(KEY) is not None
        assert storage.url(KEY) == f"{s3_endpoint}/{s3_bucket}/{KEY}"
    finally:
        await storage.close()
