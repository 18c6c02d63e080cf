"""The whole stage on real files: local folders, and objects in a storage in memory."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.download.settings import DownloadSettings
from services.download.stage import Download, opened
from shared.errors import (
    CorruptMedia,
    SourceForbidden,
    SourceMissing,
    SourceTooLarge,
    UnsupportedMedia,
    WorkspaceFull,
)
from shared.jobs import DownloadJob, ProcessingJob
from shared.storage.base import Owner
from shared.storage.memory import MemoryStorage
from tests.conftest import ROOT
from tests.unit.services.download.work import FolderWork

EXAMPLES = ROOT / "examples"


class Buckets:
    """Storages in memory, each with the examples in it."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

    def open(self, bucket: str) -> "ClosingStorage":
        self.opened.append(bucket)
        return ClosingStorage(bucket, self.closed)

    async def fill(self, storage: MemoryStorage) -> None:
        path = EXAMPLES / "mountains.jpg"
        await storage.put(
            "users/42/my photo.jpg",
            path,
            media_type="image/jpeg",
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            owner=Owner(job_id="j", run=1),
            journal=lambda intent: None,
        )


class ClosingStorage(MemoryStorage):
    """Says when it is closed."""

    def __init__(self, bucket: str, closed: list[str]) -> None:
        super().__init__()
        self._bucket = bucket
        self._closed = closed

    async def close(self) -> None:
        self._closed.append(self._bucket)


@pytest.fixture
def settings(tmp_path: Path) -> DownloadSettings:
    return DownloadSettings(
        source_roots=(EXAMPLES, tmp_path),
        source_buckets=("media",),
        max_download_bytes=3_000_000,
    )


@pytest.fixture
async def download(settings: DownloadSettings) -> AsyncIterator[Download]:
    async with opened(settings, Buckets().open) as download:
        yield download


def job(source: str, **fields: object) -> DownloadJob:
    return DownloadJob.model_validate({"jobId": "job", "run": 2, "source": source, **fields})


@pytest.mark.parametrize(
    ("name", "media_type", "ext", "kind"),
    [
        ("mountains.jpg", "image/jpeg", "jpg", "image"),
        ("bunny.mp4", "video/mp4", "mp4", "video"),
    ],
)
async def test_a_source_becomes_a_job_for_the_next_stage(
    download: Download, work: FolderWork, name: str, media_type: str, ext: str, kind: str
) -> None:
    content = (EXAMPLES / name).read_bytes()
    wanted = job((EXAMPLES / name).as_uri(), operations=["blur"], metadata={"userId": "42"})
    passed = await download(wanted, work)
    original = passed.original
    assert (original.media_type, original.ext, original.kind) == (media_type, ext, kind)
    assert (original.size, original.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert work.locate(original.path).read_bytes() == content
    assert (passed.job_id, passed.run, passed.volume) == ("job", 2, work.volume)
    assert passed.request == wanted.request
    assert passed.manifest.files == (original.tracked,)
    assert ProcessingJob.decode(passed.encode()) == passed
    assert [path.name for path in work.directory.iterdir()] == ["original"]


async def test_an_object_is_a_source(settings: DownloadSettings, work: FolderWork) -> None:
    buckets = Buckets()
    storage = buckets.open("media")
    await buckets.fill(storage)
    async with opened(settings, lambda bucket: storage) as download:
        passed = await download(job("s3://media/users/42/my%20photo.jpg"), work)
    content = (EXAMPLES / "mountains.jpg").read_bytes()
    assert passed.original.sha256 == hashlib.sha256(content).hexdigest()
    assert work.spent.downloaded_bytes == work.reserved[-1] == len(content)
    assert buckets.closed == ["media"]


async def test_a_bucket_is_opened_once_and_closed_in_the_end(
    settings: DownloadSettings, work: FolderWork
) -> None:
    buckets = Buckets()
    async with opened(settings, buckets.open, buckets=["own"]) as download:
        for source in ("s3://media/x.jpg", "s3://media/y.jpg", "s3://own/x.jpg"):
            with pytest.raises(SourceMissing, match="no object"):
                await download(job(source), work)
        assert buckets.closed == []
    assert buckets.opened == ["media", "own"]
    assert sorted(buckets.closed) == ["media", "own"]


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("s3://other/x.jpg", SourceForbidden, "other"),
        ("s3://media/", SourceForbidden, "s3://bucket/key"),
        ("s3:///x", SourceForbidden, "s3://bucket/key"),
        ("s3://media/../x", SourceForbidden, r"\.\."),
        ("s3://media/none.jpg", SourceMissing, r"none\.jpg"),
        ("ftp://example.com/x.jpg", SourceForbidden, "https://, http://, s3://, file://"),
        ("photo.jpg", SourceForbidden, "must begin with"),
        ("https", SourceForbidden, "must begin with"),
        ("", SourceForbidden, "must begin with"),
        ("http://127.0.0.1/x.jpg", SourceForbidden, "127.0.0.1"),
        ("http://localhost/x.jpg", SourceForbidden, "localhost"),
        ("http://[::1]/x.jpg", SourceForbidden, "::1"),
        ("http://169.254.169.254/latest/meta-data/", SourceForbidden, "169.254.169.254"),
        ("http://user:pw@example.com/x.jpg", SourceForbidden, "password"),
        ("file:///etc/passwd", SourceForbidden, "/etc/passwd"),
    ],
)
async def test_what_cannot_be_fetched_ends_in_one_sentence_that_names_it(
    download: Download, work: FolderWork, source: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=rf"^source: [^\n]*{words}"):
        await download(DownloadJob.model_construct(job_id="job", source=source), work)
    assert sum(path.stat().st_size for path in work.directory.iterdir()) == 0


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", CorruptMedia, "photo.jpg is empty"),
        (b"a text called photo.jpg", UnsupportedMedia, "photo.jpg is plain text"),
        (b"\xff\xd8\xff" + bytes(3_000_000), SourceTooLarge, "3000000 bytes allowed"),
    ],
)
async def test_bad_files_end_in_one_sentence_that_names_them(
    download: Download,
    work: FolderWork,
    tmp_path: Path,
    content: bytes,
    error: type[Exception],
    words: str,
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(error, match=words):
        await download(job(path.as_uri()), work)


async def test_a_full_volume_is_waited_for(download: Download, work: FolderWork) -> None:
    work.room_bytes = 1000
    with pytest.raises(WorkspaceFull):
        await download(job((EXAMPLES / "bunny.mp4").as_uri()), work)


async def test_the_older_shape_reads_any_path(
    download: Download, work: FolderWork, tmp_path: Path
) -> None:
    path = tmp_path / "100% my photo?.jpg"
    path.write_bytes((EXAMPLES / "mountains.jpg").read_bytes())
    older = DownloadJob.model_validate(
        {"jobId": "job", "inputPath": str(path), "outputDir": "out", "operations": ["blur"]}
    )
    assert (await download(older, work)).original.kind == "image"
