"""What services answer that no stand-in for S3 answers: a small server here does."""

import asyncio
import base64
import datetime
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from shared.errors import StorageUnavailable
from shared.storage import s3_client
from shared.storage.base import Intent, Owner
from shared.storage.s3 import S3Storage
from shared.storage.settings import Bucket

KEY = "a/b.webp"
RUN = Owner(job_id="job", run=1)
Ending = Callable[[S3Storage, Intent, Owner], Awaitable[None]]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def answering(answer: Answer, part_bytes: int = 5 << 20) -> AsyncIterator[S3Storage]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        storage = S3Storage(replace(bucket(str(server.make_url("/"))), part_bytes=part_bytes))
        try:
            yield storage
        finally:
            await storage.close()


def bucket(endpoint: str) -> Bucket:
    keys = SecretStr("test")
    return Bucket("media", endpoint, "us-east-1", access_key_id=keys, secret_access_key=keys)


def error(status: int, code: str) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        body = f"<Error><Code>{code}</Code><Message>said so</Message></Error>"
        return web.Response(status=status, text=body, content_type="application/xml")

    return answer


async def put(storage: S3Storage, folder: Path, content: bytes = b"x") -> None:
    (folder / "source").write_bytes(content)
    await storage.put(
        KEY,
        folder / "source",
        media_type="image/webp",
        sha256=hashlib.sha256(content).hexdigest(),
        owner=RUN,
        journal=lambda intent: None,
    )


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "InvalidAccessKeyId", "refused PutObject with these credentials"),
        (403, "SignatureDoesNotMatch", "refused PutObject with these credentials"),
        (404, "NoSuchBucket", "the bucket 'media' at .* does not exist"),
        (409, "ConditionalRequestConflict", "failed on PutObject: ConditionalRequestConflict"),
        (400, "BadDigest", "failed on PutObject: BadDigest said so"),
    ],
)
async def test_what_the_service_refuses_may_go_well_later(
    tmp_path: Path, status: int, code: str, sentence: str
) -> None:
    async with answering(error(status, code)) as storage:
        with pytest.raises(StorageUnavailable, match=sentence):
            await put(storage, tmp_path)


async def test_each_body_comes_with_one_checksum_that_r2_takes(tmp_path: Path) -> None:
    """R2 refuses trailers, CRC32 and, for parts, SHA-256; it takes SHA-256 of objects and MD5."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        await request.read()
        if "uploads" in request.query:
            begun = "<R><UploadId>id</UploadId></R>"
            return web.Response(text=begun, content_type="application/xml")
        if "uploadId" in request.query and request.method == "POST":
            return web.Response(text="<R/>", content_type="application/xml")
        return web.Response(status=404 if request.method == "HEAD" else 200, headers={"ETag": "e"})

    async with answering(answer, part_bytes=1000) as storage:
        await put(storage, tmp_path, bytes(1000))
        await put(storage, tmp_path, bytes(1001))
    whole, _, begin, *parts, complete = seen
    assert whole.headers["x-amz-checksum-sha256"] == b64(hashlib.sha256(bytes(1000)).digest())
    assert [part.headers["Content-MD5"] for part in sorted(parts, key=number)] == [
        b64(hashlib.md5(bytes(size)).digest()) for size in (1000, 1)
    ]
    assert [sent.headers.get("If-None-Match") for sent in (whole, begin, complete)] == [
        "*",
        None,
        "*",
    ]
    names = {name.lower() for sent in seen for name in sent.headers}
    assert not {name for name in names if "crc" in name or "trailer" in name}
    assert all("x-amz-checksum-sha256" not in part.headers for part in parts)


async def test_a_service_may_take_its_time_to_join_the_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        if request.method == "POST" and "uploadId" in request.query:
            await asyncio.sleep(0.6)
        begun = "<R><UploadId>id</UploadId></R>"
        status = 404 if request.method == "HEAD" else 200
        return web.Response(status=status, text=begun, headers={"ETag": "e"})

    monkeypatch.setattr(s3_client, "_READ_SECONDS", 0.3)
    async with answering(answer, part_bytes=1000) as storage:
        await put(storage, tmp_path, bytes(1001))


def number(part: web.Request) -> str:
    return part.query["partNumber"]


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


async def test_a_service_that_is_not_there(tmp_path: Path, unused_tcp_port: int) -> None:
    storage = S3Storage(bucket(f"http://127.0.0.1:{unused_tcp_port}"))
    with pytest.raises(StorageUnavailable, match=f"{unused_tcp_port} could not be reached"):
        await storage.check()
    await storage.close()


async def test_a_service_that_would_overwrite() -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async with answering(answer) as storage:
        with pytest.raises(StorageUnavailable, match="ignores If-None-Match"):
            await storage.check()


async def test_a_body_that_breaks_off(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async with answering(answer) as storage:
        with pytest.raises(StorageUnavailable):
            await storage.get(KEY, tmp_path / "target", limit_bytes=100)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(("minutes", "aborted"), [(5, []), (90, ["id"])])
@pytest.mark.parametrize("end", [S3Storage.settle, S3Storage.rollback])
@pytest.mark.parametrize("intent", [Intent(key=KEY), Intent(key=KEY, begun="1f")])
async def test_an_upload_that_has_only_begun_may_be_anothers(
    minutes: int, aborted: list[str], end: Ending, intent: Intent
) -> None:
    if end is S3Storage.settle and not intent.begun:
        aborted = []  # it was not put in parts
    deleted: list[str] = []
    begun = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)
    upload = f"<Key>{KEY}</Key><UploadId>id</UploadId><Initiated>{begun:%FT%TZ}</Initiated>"

    async def answer(request: web.Request) -> web.Response:
        if request.method == "DELETE":
            deleted.append(request.query["uploadId"])
            return web.Response(status=204)
        if request.method == "HEAD":
            return web.Response(status=404)
        kind, content = (
            ("ListPartsResult", "")
            if "uploadId" in request.query
            else ("ListMultipartUploadsResult", f"<Upload>{upload}</Upload>")
        )
        return web.Response(text=f"<{kind}>{content}</{kind}>", content_type="application/xml")

    async with answering(answer) as storage:
        await end(storage, intent, RUN)
    assert deleted == aborted


@pytest.mark.parametrize(
    ("region", "url"),
    [
        (None, "https://media.s3.amazonaws.com/a/b%20c"),
        ("eu-west-1", "https://media.s3.eu-west-1.amazonaws.com/a/b%20c"),
    ],
)
def test_urls_at_amazon(region: str | None, url: str) -> None:
    assert S3Storage(Bucket("media", region=region)).url("a/b c") == url
