"""Uploads that nobody goes on with, where the service does not behave as most do."""

import datetime
from typing import Any

import pytest

from shared.storage.s3_uploads import abort_dangling
from shared.storage.settings import Bucket

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
NOW = "Sat, 28 Nov 2026 22:00:00 GMT"


class Answering:
    """A client of a service with one upload that was begun long ago, and has no part."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers
        self.aborted: list[str] = []

    async def list_multipart_uploads(self, **_: str) -> dict[str, Any]:
        upload = {"Key": "a.mp4", "UploadId": "lost", "Initiated": LONG_AGO}
        return {"Uploads": [upload], "ResponseMetadata": {"HTTPHeaders": self._headers}}

    async def list_parts(self, **_: str) -> dict[str, Any]:
        return {}

    async def abort_multipart_upload(self, UploadId: str, **_: str) -> None:  # noqa: N803
        self.aborted.append(UploadId)


@pytest.mark.parametrize(("headers", "aborted"), [({"date": NOW}, ["lost"]), ({}, [])])
async def test_an_upload_of_unknown_age_is_left_to_the_bucket(
    headers: dict[str, str], aborted: list[str]
) -> None:
    client: Any = Answering(headers)
    await abort_dangling(client, Bucket("bucket"), "a.mp4")
    assert client.aborted == aborted
