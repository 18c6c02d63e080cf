"""Outputs that are sets of files: a master playlist, and all that it names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from services.upload.keys import beside, resolve
from services.upload.stage import Upload
from shared.envelope import encode
from shared.errors import InvalidJob, StorageUnavailable
from shared.jobs import CleanupJob, Output, Reference
from shared.storage.base import Owner
from shared.storage.filesystem import FilesystemStorage
from shared.storage.memory import MemoryStorage
from tests.unit.services.download.work import FolderWork
from tests.unit.services.upload.jobs import job, original, output, streaming_set

FILES = {
    "master.m3u8": b"#EXTM3U",
    "360p/index.m3u8": b"#EXTM3U 360",
    "360p/00000.m4s": b"piece",
    "sound-0/00000.m4s": b"sound",
}


@pytest.fixture
def hls(made: Path) -> Output:
    return streaming_set("hls", FILES, made)


@pytest.mark.parametrize(
    ("destination", "folder"),
    [
        ("{jobId}/{name}.{ext}", "job-1/hls"),
        ("users/42/{jobId}_{name}.{ext}", "users/42/job-1_hls"),
        ("{ext}/{name}", "m3u8/hls"),
        ("{jobId}/{name}.{ext}/x", "job-1/hls.m3u8/x"),
    ],
)
def test_the_destination_is_the_folder_of_a_set(hls: Output, destination: str, folder: str) -> None:
    made = job((hls,), original(b""), destination=destination)
    (key,) = resolve(made, [hls], 0.0, None)
    assert key == f"{folder}/master.m3u8"
    assert beside(hls, key) == [f"{folder}/{relative}" for relative in list(FILES)[1:]]


def test_keys_that_only_a_member_makes_too_long_are_refused(hls: Output) -> None:
    folder = "/".join(["f" * 200] * 5)
    made = job((hls,), original(b""), destination=folder + "/{name}.{ext}")
    with pytest.raises(InvalidJob, match="longer than 1024 bytes"):
        resolve(made, [hls], 0.0, None)


def test_members_of_two_sets_under_one_key_are_refused(hls: Output, made: Path) -> None:
    files = {"other.m3u8": b"#EXTM3U", "360p/index.m3u8": b"#EXTM3U"}
    both = (hls, streaming_set("other", files, made))
    asked = job(both, original(b""), destination="{jobId}/x.{ext}")
    with pytest.raises(InvalidJob, match=r"'job-1/x/360p/index.m3u8'"):
        resolve(asked, both, 0.0, None)


async def test_a_set_is_one_result_and_many_objects(
    hls: Output, made: Path, work: FolderWork
) -> None:
    storage = MemoryStorage("https://cdn.example")
    poster = output("poster", "webp", b"picture", made)
    end = await Upload(storage, 2, None)(job((hls, poster), original(b"", made)), work)
    first, second = end.results
    assert (first.key, first.files) == ("job-1/hls/master.m3u8", 4)
    assert first.url == "https://cdn.example/job-1/hls/master.m3u8"
    assert (first.size, first.total_size) == (7, sum(map(len, FILES.values())))
    assert (second.key, second.files, second.total_size) == ("job-1/poster.webp", None, None)
    stored = {one.key: one.size async for one in storage.list()}
    expected = {f"job-1/hls/{name}": len(content) for name, content in FILES.items()}
    assert stored == {**expected, "job-1/poster.webp": 7}
    assert work.spent.uploaded_bytes == sum(stored.values())


async def test_what_was_stored_of_a_set_is_taken_back(
    hls: Output, made: Path, work: FolderWork, tmp_path: Path
) -> None:
    storage = FilesystemStorage(tmp_path / "out")
    (made / "hls/sound-0/00000.m4s").write_bytes(b"other")
    with pytest.raises(StorageUnavailable):
        await Upload(storage, 1, None)(job((hls,), original(b"", made)), work)
    for intent in work.intents():
        await storage.rollback(intent, Owner(job_id="job-1", run=2))
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
    assert not (tmp_path / "out" / "job-1").exists()


async def test_thousands_of_pieces_make_no_long_message(made: Path, work: FolderWork) -> None:
    pieces: Mapping[str, bytes] = {f"360p/{n:05}.m4s": b"x" for n in range(2000)}
    hls = streaming_set("hls", {"master.m3u8": b"#EXTM3U", **pieces}, made)
    asked = job((hls,), original(b"", made))
    end = await Upload(MemoryStorage(), 16, None)(asked, work)
    assert len(_body(end)) < 2048
    assert Reference.decode(encode(asked, committed_by="process").body).committed == "process"


def _body(end: CleanupJob) -> bytes:
    results: Any = end.model_copy(update={"request": None})
    return bytes(results.encode())
