"""Links, pipes and devices that take a file's place while a stage works on it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from services.download.source import Fetched
from services.download.stage import Download
from services.process.media import Media
from services.process.pools import Pool
from services.process.stage import Process
from services.upload.stage import Upload
from shared.errors import FilesLost
from shared.jobs import DownloadJob, Operation, Output, ProcessingJob, Request
from shared.storage.filesystem import FilesystemStorage
from shared.storage.memory import MemoryStorage
from shared.work import Work
from tests.unit.services.download.work import FolderWork
from tests.unit.services.upload.jobs import job, original, output, streaming_set

pytestmark = pytest.mark.timeout(30)
SECRET = b"secret"  # as long as what is swapped for it

Plant = Callable[[Path, Path], None]


def link(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "secret")


def pipe(place: Path, _: Path) -> None:
    os.mkfifo(place)


def endless(place: Path, _: Path) -> None:
    place.symlink_to("/dev/zero")


def folder(place: Path, _: Path) -> None:
    place.mkdir()


PLANTS: list[Plant] = [link, pipe, endless, folder]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(SECRET)
    (folder / "00000.m4s").write_bytes(b"piece0")
    return folder


def swap(path: Path, plant: Plant, outside: Path) -> None:
    path.rename(path.with_name(f"{path.name}.gone"))
    plant(path, outside)


class Swapping(FilesystemStorage):
    """Acts before each put, when the stage has opened the file that it is about."""

    def __init__(self, root: Path, act: Callable[[str], None]) -> None:
        super().__init__(root)
        self._act = act

    async def put(self, key: str, source: Path, **rest: Any) -> None:
        self._act(key)
        await super().put(key, source, **rest)


@pytest.mark.parametrize("plant", PLANTS)
async def test_what_takes_a_files_place_before_its_put_is_not_stored(
    tmp_path: Path, made: Path, work: FolderWork, outside: Path, plant: Plant
) -> None:
    def act(key: str) -> None:
        if key == "job-1/first.webp":
            swap(made / "second.webp", plant, outside)

    outputs = (output("first", "webp", b"first0", made), output("second", "webp", b"other0", made))
    upload = Upload(Swapping(tmp_path / "uploads", act), files_at_once=1, root=None)
    with pytest.raises(FilesLost, match=r"second\.webp"):
        await upload(job(outputs, original(b"", made)), work)
    assert not (tmp_path / "uploads" / "job-1" / "second.webp").exists()


@pytest.mark.parametrize("plant", PLANTS)
async def test_what_takes_a_files_place_in_its_put_changes_nothing(
    tmp_path: Path, made: Path, work: FolderWork, outside: Path, plant: Plant
) -> None:
    def act(_: str) -> None:
        swap(made / "photo.webp", plant, outside)

    upload = Upload(Swapping(tmp_path / "uploads", act), files_at_once=1, root=None)
    outputs = (output("photo", "webp", b"photo0", made),)
    await upload(job(outputs, original(b"", made)), work)
    assert (tmp_path / "uploads" / "job-1" / "photo.webp").read_bytes() == b"photo0"


@pytest.mark.parametrize("place", ["hls/360p", "hls", "."])
async def test_folder_of_a_set_that_becomes_a_link_is_not_followed(
    tmp_path: Path, made: Path, work: FolderWork, outside: Path, place: str
) -> None:
    def act(key: str) -> None:
        if key.endswith("360p/index.m3u8"):
            folder = made / place
            folder.rename(tmp_path / "moved")
            folder.symlink_to(tmp_path / "moved")

    files = {"master.m3u8": b"#", "360p/index.m3u8": b"#EXTM3U", "360p/00000.m4s": b"piece0"}
    upload = Upload(Swapping(tmp_path / "uploads", act), files_at_once=1, root=None)
    with pytest.raises(FilesLost, match="process"):
        await upload(job((streaming_set("hls", files, made),), original(b"")), work)
    assert not list((tmp_path / "uploads").rglob("*.m4s"))


@pytest.mark.parametrize("plant", PLANTS)
async def test_file_with_urls_is_written_anew_and_never_through_a_link(
    tmp_path: Path, made: Path, work: FolderWork, outside: Path, plant: Plant
) -> None:
    told = output("srcset", "json", orjson.dumps({"src": "{url:x.webp}"}), made)
    plant(work.directory / "srcset.json", outside)
    upload = Upload(MemoryStorage(), files_at_once=1, root=None)
    named = told.model_copy(update={"names_urls": True})
    with pytest.raises(FileExistsError):
        await upload(job((named,), original(b"", made)), work)
    assert (outside / "secret").read_bytes() == SECRET


class Planting:
    """Media whose engine leaves something else than it says in the attempt's directory."""

    catalogue = None

    def __init__(self, leave: Callable[[Path], None], size: int = len(SECRET)) -> None:
        self._leave = leave
        self._size = size

    async def make(
        self, source: Path, operations: tuple[Operation, ...] | None, work: Work
    ) -> tuple[Output, ...]:
        self._leave(work.directory / "photo.webp")
        made = output("photo", "webp", SECRET).model_copy(
            update={"path": work.relative(work.directory / "photo.webp"), "size": self._size}
        )
        return (made,)


async def processed(media: Planting, made: Path, work: FolderWork) -> None:
    stage = Process({"image": cast(Media, media)}, cast(Pool, None))
    request = Request.model_validate({"source": "https://example.com/a.jpg"})
    source = original(b"source", made)
    await stage(
        ProcessingJob(job_id="job-1", run=2, volume="v", request=request, original=source), work
    )


@pytest.mark.parametrize("plant", PLANTS)
async def test_output_that_is_no_file_of_the_attempt_is_refused(
    made: Path, work: FolderWork, outside: Path, plant: Plant
) -> None:
    with pytest.raises(FilesLost, match=r"photo\.webp"):
        await processed(Planting(lambda path: plant(path, outside)), made, work)


async def test_output_of_another_size_than_reported_is_refused(
    made: Path, work: FolderWork
) -> None:
    def leave(path: Path) -> None:
        path.write_bytes(b"abc")

    with pytest.raises(FilesLost, match="has 3 bytes, and was said to have 6"):
        await processed(Planting(leave), made, work)


@pytest.mark.parametrize("plant", PLANTS)
async def test_original_that_was_swapped_after_the_fetch_is_not_looked_at(
    work: FolderWork, outside: Path, plant: Plant
) -> None:
    class Fetching:
        async def fetch(self, address: str, target: Path, work: Work) -> Fetched:
            plant(target, outside)
            return Fetched(size=6, sha256="0" * 64)

    asked = DownloadJob(job_id="job-1", source="https://example.com/a.jpg")
    with pytest.raises(FilesLost, match="original"):
        await Download({"https": Fetching()}, 10.0)(asked, work)
