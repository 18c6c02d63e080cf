import asyncio
import dataclasses
from pathlib import Path

import pytest

from services.upload.settings import UploadSettings
from services.upload.stage import Upload, opened
from shared.errors import FilesLost, InvalidJob, ObjectExists, StorageUnavailable
from shared.jobs import Cost, Output
from shared.storage.base import Journal, Owner
from shared.storage.filesystem import FilesystemStorage
from shared.storage.memory import MemoryStorage
from tests.unit.services.download.work import FolderWork
from tests.unit.services.upload.jobs import job, original, output


@pytest.fixture
def outputs(made: Path) -> tuple[Output, ...]:
    sizes = {"large": 3000, "medium": 200, "small": 10}
    return tuple(output(name, "webp", bytes(size), made) for name, size in sizes.items())


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage("https://cdn.example")


@pytest.fixture
def upload(storage: MemoryStorage) -> Upload:
    return Upload(storage, files_at_once=2, root=None)


async def keys(storage: MemoryStorage) -> list[str]:
    return [stored.key async for stored in storage.list()]


async def test_every_output_is_stored_and_reported_in_order(
    upload: Upload,
    storage: MemoryStorage,
    work: FolderWork,
    outputs: tuple[Output, ...],
    made: Path,
) -> None:
    asked = job(outputs, original(b"source", made), destination="{YYYY}/{jobId}/{name}.{ext}")
    asked = asked.costing(Cost(stage="process"))
    end = await upload(asked, work)
    assert end.outcome == "completed"
    assert (end.job_id, end.run, end.volume) == (asked.job_id, asked.run, asked.volume)
    assert (end.request, end.costs, end.manifest) == (asked.request, asked.costs, asked.manifest)
    assert [result.key for result in end.results] == [
        "2024/job-1/large.webp",
        "2024/job-1/medium.webp",
        "2024/job-1/small.webp",
    ]
    first = end.results[0]
    assert first.url == "https://cdn.example/2024/job-1/large.webp"
    assert (first.name, first.media_type, first.size) == ("large", "image/webp", 3000)
    assert (first.width, first.height, first.engine) == (640, 480, "pillow 13.0.0")
    assert first.sha256 == outputs[0].sha256
    stored = await storage.stat(first.key)
    assert stored is not None
    assert stored.owner == Owner(job_id="job-1", run=2)
    assert sorted(intent.key for intent in work.journalled) == await keys(storage)
    assert work.spent.uploaded_bytes == 3210


async def test_what_is_known_of_a_film_is_reported(
    upload: Upload, work: FolderWork, outputs: tuple[Output, ...], made: Path
) -> None:
    told = {"duration_seconds": 2.5, "missing_seconds": 1.5, "language": "eng"}
    film = outputs[0].model_copy(update=told)
    (result,) = (await upload(job((film,), original(b"source", made)), work)).results
    assert result.model_dump(include={*told}, by_alias=False) == told


async def test_the_original_goes_too_if_asked(
    upload: Upload, storage: MemoryStorage, work: FolderWork, made: Path
) -> None:
    source = original(b"source", made)
    end = await upload(job((), source, keepOriginal=True), work)
    assert [result.key for result in end.results] == ["job-1/original.jpg"]
    assert end.results[0].width is None
    end = await upload(job((), source, job_id="job-2"), work)
    assert end.results == ()
    assert await keys(storage) == ["job-1/original.jpg"]


async def test_progress_is_by_bytes(
    storage: MemoryStorage, work: FolderWork, outputs: tuple[Output, ...], made: Path
) -> None:
    await Upload(storage, 1, None)(job(outputs, original(b"", made)), work)
    assert [round(percent, 1) for percent in work.percents] == [93.5, 99.7, 100.0]


async def test_nothing_is_stored_if_the_destination_is_wrong(
    upload: Upload,
    storage: MemoryStorage,
    work: FolderWork,
    outputs: tuple[Output, ...],
    made: Path,
) -> None:
    for destination in ("{jobId}.{ext}", "{nmae}"):
        with pytest.raises(InvalidJob, match="destination"):
            await upload(job(outputs, original(b"", made), destination=destination), work)
    assert await keys(storage) == []
    assert work.journalled == []


async def test_nothing_is_stored_if_a_file_is_lost(
    upload: Upload,
    storage: MemoryStorage,
    work: FolderWork,
    outputs: tuple[Output, ...],
    made: Path,
) -> None:
    (made / "small.webp").unlink()
    with pytest.raises(FilesLost, match=r"small\.webp"):
        await upload(job(outputs, original(b"", made)), work)
    assert await keys(storage) == []


async def test_a_taken_key_fails_the_job_and_overwrite_takes_it(
    upload: Upload,
    storage: MemoryStorage,
    work: FolderWork,
    outputs: tuple[Output, ...],
    made: Path,
) -> None:
    source = original(b"", made)
    second = dataclasses.replace(work, owner=Owner(job_id="job-2", run=2))
    await upload(job(outputs, source, destination="{name}.{ext}"), work)
    with pytest.raises(ObjectExists, match=r"large\.webp"):
        await upload(job(outputs, source, job_id="job-2", destination="{name}.{ext}"), second)
    await upload(
        job(outputs, source, job_id="job-2", destination="{name}.{ext}", overwrite=True), second
    )
    stored = await storage.stat("large.webp")
    assert stored is not None
    assert stored.owner == Owner(job_id="job-2", run=2)


async def test_a_second_attempt_ends_as_the_first(
    upload: Upload, work: FolderWork, outputs: tuple[Output, ...], made: Path
) -> None:
    asked = job(outputs, original(b"", made))
    assert await upload(asked, work) == await upload(asked, work)


class Slow(MemoryStorage):
    """Takes its time, and counts how many puts are under way at once."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = self.most = 0

    async def put(
        self,
        key: str,
        source: Path,
        *,
        media_type: str,
        sha256: str,
        owner: Owner,
        journal: Journal,
        overwrite: bool = False,
    ) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0.01)
            if key.endswith("medium.webp"):
                raise StorageUnavailable("out of order")
            await asyncio.sleep(0.01)
        finally:
            self.under_way -= 1


async def test_the_first_failure_stops_the_other_puts(
    work: FolderWork, outputs: tuple[Output, ...], made: Path
) -> None:
    storage = Slow()
    with pytest.raises(StorageUnavailable, match="out of order"):
        await Upload(storage, 2, None)(job(outputs, original(b"", made)), work)
    assert storage.under_way == 0
    assert storage.most == 2


async def test_the_older_shape_on_a_local_folder(
    tmp_path: Path, work: FolderWork, outputs: tuple[Output, ...], made: Path
) -> None:
    root = tmp_path / "uploads"
    settings = UploadSettings(storage_mode="local", upload_path=root)
    asked = job(
        outputs, original(b"", made), inputPath="/in/a.jpg", outputDir=str(root / "out"), source=""
    )
    async with opened(settings, FilesystemStorage(root)) as upload:
        end = await upload(asked, work)
    assert end.results[0].key == "out/job-1_large.webp"
    assert end.results[0].url == "/uploads/out/job-1_large.webp"
    assert (root / "out" / "job-1_large.webp").stat().st_size == 3000


def test_absolute_destinations_have_a_root_on_disk_alone(tmp_path: Path) -> None:
    local = UploadSettings(storage_mode="local", upload_path=tmp_path)
    assert local.destination_root == tmp_path
    assert UploadSettings(storage_mode="s3").destination_root is None
