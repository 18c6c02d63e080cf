"""The whole pipeline in this process, with a small photo."""

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from millrace.embedded import LANE, Embedded
from millrace.events import Event
from shared.errors import StorageUnavailable, WorkspaceFull
from shared.jobs import DownloadJob, Request
from shared.storage.filesystem import FilesystemStorage
from shared.workspace import Workspace
from tests.waiting import soon


@pytest.fixture(autouse=True)
def temp_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A TEMP_DIR that must be empty after every test."""
    monkeypatch.setenv("TEMP_DIR", str(tmp_path / "temp"))
    yield tmp_path / "temp"
    assert [*(tmp_path / "temp").iterdir()] == []


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "photo.jpg"
    Image.new("RGB", (64, 48), "teal").save(path)
    return path


def job(photo: Path, job_id: str = "job", operation: str = "thumbnail") -> DownloadJob:
    return DownloadJob.parse({"jobId": job_id, "source": photo.as_uri(), "operations": [operation]})


async def test_a_photo_goes_through_and_leaves_its_results(tmp_path: Path, photo: Path) -> None:
    heard: list[Event] = []
    out = tmp_path / "out"
    async with Embedded.opened(
        out, source_roots=[photo.parent], workers=1, watch=heard.append
    ) as embedded:
        end = await soon(embedded.run(job(photo)))
        assert embedded.left() == 0

    (result,) = end.results
    assert result.url == (out / "job" / "thumbnail.webp").as_uri()
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["thumbnail.webp"]
    assert [event.what for event in heard if event.what == "finished"] == ["finished"] * 3


async def test_a_job_fails_alone(tmp_path: Path, photo: Path) -> None:
    text = photo.with_name("text.jpg")
    text.write_text("no photo")
    async with Embedded.opened(
        tmp_path / "out", source_roots=[photo.parent], workers=1
    ) as embedded:
        good, bad = await soon(
            asyncio.gather(embedded.run(job(photo, "good")), embedded.run(job(text, "bad")))
        )

    assert good.completed
    assert (bad.what, bad.error) == ("failed", "UnsupportedMedia")
    assert "text.jpg is plain text" in bad.sentence


async def test_what_was_not_named_may_not_be_read(tmp_path: Path, photo: Path) -> None:
    async with Embedded.opened(tmp_path / "out", source_roots=[], workers=1) as embedded:
        end = await soon(embedded.run(job(photo)))

    assert end.error == "SourceForbidden"


async def test_cancelling_ends_jobs_that_have_and_that_have_not_begun(
    tmp_path: Path, photo: Path
) -> None:
    async with Embedded.opened(
        tmp_path / "out", source_roots=[photo.parent], workers=1
    ) as embedded:
        begun = asyncio.ensure_future(embedded.run(job(photo, "begun")))
        await asyncio.sleep(0)
        await embedded.cancel()
        ends = await soon(asyncio.gather(begun, embedded.run(job(photo, "later"))))
        assert embedded.left() == 0

    assert [end.what for end in ends] == ["cancelled", "cancelled"]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


async def test_two_at_once_do_not_disturb_each_other(tmp_path: Path, photo: Path) -> None:
    async def once(out: str) -> Event:
        async with Embedded.opened(
            tmp_path / out, source_roots=[photo.parent], workers=1
        ) as embedded:
            return await embedded.run(job(photo))

    ends = await soon(asyncio.gather(once("a"), once("b")))

    assert all(end.completed for end in ends)
    assert (tmp_path / "a" / "job" / "thumbnail.webp").exists()
    assert (tmp_path / "b" / "job" / "thumbnail.webp").exists()


async def test_there_must_be_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISK_FLOOR_BYTES", str(2**60))

    with pytest.raises(WorkspaceFull, match=r"TEMP_DIR: only .* DISK_FLOOR_BYTES"):
        async with Embedded.opened(tmp_path / "out", workers=1):
            pass


async def test_what_a_killed_run_had_stored_is_taken_back(
    tmp_path: Path, temp_dir: Path, photo: Path
) -> None:
    out, root = tmp_path / "out", temp_dir / "run-0123456789ab"
    await killed_while_storing(root, out, photo)
    assert (out / "half" / "done.webp").exists()
    (out / "other.txt").write_text("a person's own")

    async with Embedded.opened(out, source_roots=[photo.parent], workers=1):
        assert not root.exists()

    assert [path.name for path in out.rglob("*")] == ["other.txt"]


async def test_what_a_killed_run_had_stored_is_taken_back_when_its_folder_is_there_again(
    tmp_path: Path, temp_dir: Path, photo: Path
) -> None:
    drive, away = tmp_path / "drive", tmp_path / "away"
    root, warned = temp_dir / "run-0123456789ab", list[str]()
    await killed_while_storing(root, drive / "out", photo)
    attempt = root / "embedded" / "jobs" / "half.1" / "download.1"
    attempt.mkdir()
    (attempt / "original").write_text("large")
    drive.rename(away)

    async with Embedded.opened(tmp_path / "other", workers=1, warn=warned.append):
        assert root.exists()
    assert not attempt.exists()
    (sentence,) = warned
    assert f"half of its results in {drive / 'out'}" in sentence
    assert f"removing {root} keeps them" in sentence

    away.rename(drive)
    async with Embedded.opened(tmp_path / "other", workers=1, warn=warned.append):
        assert not root.exists()
    assert [*(drive / "out").rglob("*")] == []
    assert warned == [sentence]


async def test_a_killed_run_is_not_remembered_for_ever(
    tmp_path: Path, temp_dir: Path, photo: Path
) -> None:
    root, warned = temp_dir / "run-0123456789ab", list[str]()
    await killed_while_storing(root, tmp_path / "out", photo)
    shutil.rmtree(tmp_path / "out")
    long_ago = time.time() - 31 * 24 * 3600
    os.utime(root, (long_ago, long_ago))

    async with Embedded.opened(tmp_path / "other", workers=1, warn=warned.append):
        assert not root.exists()
    assert "and there they stay" in warned[0]


async def test_storage_that_cannot_be_read_keeps_what_is_owed_in_mind(
    tmp_path: Path, temp_dir: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, warned = temp_dir / "run-0123456789ab", list[str]()
    await killed_while_storing(root, tmp_path / "out", photo)

    async def fail(*_: object) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(FilesystemStorage, "rollback", fail)
        patch.setattr("millrace.embedded._ABANDONED_SECONDS", 0.2)
        async with Embedded.opened(tmp_path / "other", workers=1, warn=warned.append):
            assert root.exists()
    assert len(warned) == 1

    async with Embedded.opened(tmp_path / "other", workers=1):
        assert not root.exists()
    assert not (tmp_path / "out" / "half").exists()


async def killed_while_storing(root: Path, out: Path, photo: Path) -> None:
    """What is on the disk when a run is killed after the first of its results was stored."""
    workspace = Workspace(root / LANE.prefix)
    workspace.open()
    (root / "out").write_bytes(bytes(out))
    request = Request(source=photo.as_uri())
    with workspace.begin(DownloadJob(job_id="half", **dict(request))) as held:
        digest = hashlib.sha256(photo.read_bytes()).hexdigest()
        await FilesystemStorage(out).put(
            "half/done.webp",
            photo,
            media_type="image/webp",
            sha256=digest,
            owner=held.lease.owner,
            journal=held.journal,
        )
