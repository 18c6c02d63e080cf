"""Sets of files, through the four services and RabbitMQ into a bucket: whole, or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from tests.films import BUNNY
from tests.gate import Gate, gate
from tests.integration.running import Running, User, ready, started, user_of
from tests.servers.s3 import REGION, credentials, fresh_bucket
from tests.waiting import until

HLS = {"op": "hls", "heights": [96], "segmentSeconds": 1, "preset": "ultrafast", "dash": True}
BOARD = {"op": "storyboard", "width": 80}
MEDIA_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "vtt": "text/vtt",
    "webp": "image/webp",
}
PIECES = {"sound-0": "audio", "96p": "video"}
FEW = 5


@pytest.fixture(scope="module")
def before(s3_endpoint: str) -> Iterator[Gate]:
    with gate(s3_endpoint) as one:
        yield one


@pytest.fixture(scope="module")
def bucket(s3_endpoint: str) -> Iterator[Any]:
    with fresh_bucket(s3_endpoint) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def running(amqp_url: str, before: Gate, bucket: Any) -> Iterator[Running]:
    key_id, secret = credentials()
    settings = {
        "STORAGE_MODE": "s3",
        "S3_ENDPOINT_URL": before.url,
        "S3_REGION": REGION,
        "S3_BUCKET_NAME": bucket.name,
        "S3_ACCESS_KEY_ID": key_id,
        "S3_SECRET_ACCESS_KEY": secret,
        "UPLOAD_FILES_AT_ONCE": "1",
    }
    stages = ("cleanup", "upload", "process", "download")
    with started(amqp_url, stages, **settings) as running:
        yield running


@pytest.fixture(autouse=True)
async def services(running: Running, before: Gate) -> None:
    before.open()
    await ready(running)


def job(job_id: str, *operations: Any) -> bytes:
    return json.dumps(
        {"jobId": job_id, "source": BUNNY.as_uri(), "operations": operations}
    ).encode()


def stored(bucket: Any, job_id: str) -> dict[str, Any]:
    """The objects of the job, by what follows its id."""
    objects = bucket.objects.filter(Prefix=f"{job_id}/")
    return {one.key.removeprefix(f"{job_id}/"): one.Object() for one in objects}


def media_type(name: str) -> str:
    folder, _, file = name.rpartition("/")
    kind = file.rpartition(".")[2]
    if kind in MEDIA_TYPES:
        return MEDIA_TYPES[kind]
    piece = PIECES[folder.rpartition("/")[2]]
    return f"{piece}/iso.segment" if kind == "m4s" else f"{piece}/mp4"


async def whole(running: Running, bucket: Any, end: dict[str, Any], folder: Path) -> None:
    """The job completed, with each file of its sets in the bucket once, and nothing else."""
    assert end["type"] == "millrace.job.completed", end["data"]
    objects = stored(bucket, end["data"]["jobId"])
    assert {name: one.content_type for name, one in objects.items()} == {
        name: media_type(name) for name in objects
    }
    for result in end["data"]["results"]:
        sizes = [
            one.content_length
            for name, one in objects.items()
            if name.startswith(f"{result['name']}/")
        ]
        assert (len(sizes), sum(sizes)) == (result["files"], result["totalSize"])
    assert sum(result["files"] for result in end["data"]["results"]) == len(objects)
    for name, one in objects.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        one.download_file(str(folder / name))
    with av.open(str(folder / "hls/master.m3u8")) as media:
        assert sum(1 for _ in media.decode(video=0)) == 132
    assert list(bucket.multipart_uploads.all()) == []
    await until(lambda: running.left() == [])


async def test_all_files_of_a_set_are_stored_with_their_media_types(
    running: Running, bucket: Any, tmp_path: Path
) -> None:
    async with user_of(running) as user:
        await user.publish(job("whole", HLS, BOARD))
        end = await user.end_of("whole")
    await whole(running, bucket, end, tmp_path)
    assert {name for name in stored(bucket, "whole") if "/" not in name.partition("/")[2]} == {
        "hls/master.m3u8",
        "hls/manifest.mpd",
        "storyboard/index.vtt",
        "storyboard/storyboard.webp",
    }


async def few_stored(user: User, bucket: Any, before: Gate, job_id: str) -> None:
    """A job whose upload is in the middle of its set."""
    before.close_after(FEW)
    await user.publish(job(job_id, HLS))
    await until(lambda: before.held > 0)
    assert len(stored(bucket, job_id)) == FEW


async def test_a_job_that_is_cancelled_amid_a_set_takes_all_back(
    running: Running, bucket: Any, before: Gate
) -> None:
    async with user_of(running) as user:
        await few_stored(user, bucket, before, "given-up")
        await user.publish(b'{"jobId": "given-up", "outcome": "cancelled"}', "cleanup")
        await until(lambda: before.held == 0)
        before.open()
        end = await user.end_of("given-up")
    assert end["type"] == "millrace.job.cancelled", end["data"]
    assert stored(bucket, "given-up") == {}
    await until(lambda: running.left() == [])


async def test_a_job_that_fails_amid_a_set_takes_its_own_back(
    running: Running, bucket: Any
) -> None:
    taken = "hls/96p/00003.m4s"
    bucket.put_object(Key=f"taken/{taken}", Body=b"another's")
    async with user_of(running) as user:
        await user.publish(job("taken", HLS))
        end = await user.end_of("taken")
    assert end["type"] == "millrace.job.failed", end["data"]
    assert end["data"]["error"]["error"] == "ObjectExists"
    assert [*stored(bucket, "taken")] == [taken]
    assert stored(bucket, "taken")[taken].get()["Body"].read() == b"another's"
    await until(lambda: running.left() == [])


async def test_a_set_is_completed_after_a_crash_in_its_middle(
    running: Running, bucket: Any, before: Gate, tmp_path: Path
) -> None:
    async with user_of(running) as user:
        await few_stored(user, bucket, before, "crashed")
        running.kill("upload")
        first = {name: one.last_modified for name, one in stored(bucket, "crashed").items()}
        assert len(first) == FEW
        before.open()
        running.start_again("upload")
        end = await user.end_of("crashed")
    await whole(running, bucket, end, tmp_path)
    again = stored(bucket, "crashed")
    assert {name: again[name].last_modified for name in first} == first


async def test_a_job_cancelled_after_a_crash_in_the_middle_of_its_set_takes_all_back(
    running: Running, bucket: Any, before: Gate
) -> None:
    async with user_of(running) as user:
        await few_stored(user, bucket, before, "crashed-then-given-up")
        running.kill("upload")
        await user.publish(b'{"jobId": "crashed-then-given-up", "outcome": "cancelled"}', "cleanup")
        end = await user.end_of("crashed-then-given-up")
        assert end["type"] == "millrace.job.cancelled", end["data"]
        assert stored(bucket, "crashed-then-given-up") == {}
        before.open()
        running.start_again("upload")
        await ready(running)
    await until(lambda: running.left() == [])
    assert stored(bucket, "crashed-then-given-up") == {}
