"""A storage that answers 500 and 503, that is slow, and that breaks off in the middle of a part.

Each request of an upload meets each of these once, in a small server before the S3 stand-in.
"""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from shared.errors import StorageUnavailable
from shared.storage import s3_client
from shared.storage.base import Intent, Owner, standing
from shared.storage.s3 import S3Storage
from tests.contract.stores import PART_BYTES, bucket_at, s3
from tests.servers.web import served

pytestmark = pytest.mark.integration
RUN = Owner(job_id="job", run=1)
KEY = "job/large.bin"
CONTENT = bytes(range(256)) * ((PART_BYTES + 1000) // 256)
MOST_TRIES = 5


class Bad:
    """A server that hands requests on to another, and spoils the `number`-th.

    Attributes:
        spoiled: whether that one has come.
    """

    def __init__(self, endpoint: str, way: str, number: int) -> None:
        self._endpoint = endpoint
        self._way = way
        self._left = number
        self.spoiled = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self._left -= 1
        if self._left:
            return await self._hand_on(request)
        self.spoiled = True
        if self._way in ("500", "503"):
            await request.read()
            return web.Response(status=int(self._way))
        if self._way == "slow":
            answer = await self._hand_on(request)
            await asyncio.sleep(1.0)
            return answer
        if self._way == "answer lost":
            await self._hand_on(request)
        else:
            await request.content.read(1000)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _hand_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOPS}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                f"{self._endpoint}{request.path_qs}",
                data=io.BytesIO(body),
                headers=headers,
            ) as answer,
        ):
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOPS}
            if request.method == "HEAD":
                kept["Content-Length"] = answer.headers["Content-Length"]
                return web.Response(status=answer.status, headers=kept)
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


_HOPS = {"host", "content-length", "transfer-encoding", "connection", "expect", "date", "server"}


@asynccontextmanager
async def behind(bad: Bad) -> AsyncIterator[str]:
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", bad.answer)
    async with served(application) as address:
        yield address


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is put, by a client that does not wait long for answers."""
    monkeypatch.setattr(s3_client, "_READ_SECONDS", 0.5)
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


async def spoiled(endpoint: str, bucket: str, way: str) -> AsyncIterator[tuple[int, S3Storage]]:
    """The storage with its n-th request going wrong, for every n until there is none."""
    for number in range(1, 100):
        bad = Bad(endpoint, way, number)
        async with behind(bad) as url:
            storage = S3Storage(replace(bucket_at(endpoint, bucket), endpoint_url=url))
            yield number, storage
            await storage.close()
        if not bad.spoiled:
            break


@pytest.mark.parametrize("way", ["500", "503", "slow", "broken off", "answer lost"])
async def test_an_upload_is_whole_or_gone_whichever_request_fails(
    s3_endpoint: str, s3_bucket: str, tmp_path: Path, source: Path, way: str
) -> None:
    seen = s3(s3_endpoint, s3_bucket)
    async for number, storage in spoiled(s3_endpoint, s3_bucket, way):
        intents = await stored(storage, source)
        await seen.storage.get(KEY, tmp_path / f"got-{number}", limit_bytes=1 << 30)
        assert (tmp_path / f"got-{number}").read_bytes() == CONTENT
        await gone(storage, intents)
        assert (await seen.keys(), list(seen.leftovers())) == ([], []), number
        (tmp_path / f"got-{number}").unlink()
    assert number > 8
    await seen.storage.close()


@pytest.mark.parametrize("way", ["slow", "answer lost"])
async def test_an_upload_that_completes_leaves_none_open_whichever_answer_is_lost(
    s3_endpoint: str, s3_bucket: str, source: Path, way: str
) -> None:
    seen = s3(s3_endpoint, s3_bucket)
    async for number, storage in spoiled(s3_endpoint, s3_bucket, way):
        intents = await stored(storage, source)
        for intent in standing(intents):
            await seen.storage.settle(intent, RUN)
        assert (await seen.keys(), list(seen.leftovers())) == ([KEY], []), number
        await seen.storage.delete(KEY)
    assert number > 4
    await seen.storage.close()


async def stored(storage: S3Storage, source: Path) -> list[Intent]:
    """Put as the upload stage does: an attempt that fails is made again."""
    intents: list[Intent] = []
    for _ in range(MOST_TRIES):
        with suppress(StorageUnavailable):
            await storage.put(
                KEY,
                source,
                media_type="image/png",
                sha256=hashlib.sha256(CONTENT).hexdigest(),
                owner=RUN,
                journal=intents.append,
            )
            return intents
    raise AssertionError("the upload never went well")


async def gone(storage: S3Storage, intents: list[Intent]) -> None:
    """Roll back as cleanup does: again, until it goes well."""
    for _ in range(MOST_TRIES):
        with suppress(StorageUnavailable):
            for intent in intents:
                await storage.rollback(intent, RUN)
            return
    raise AssertionError("the rollback never went well")
