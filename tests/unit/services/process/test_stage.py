"""The process stage as the consumer calls it, with real children."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from services.process.image.pictures import VALUE_BYTES
from services.process.settings import ProcessSettings
from services.process.stage import Process, opened
from shared.errors import CorruptMedia, FilesLost, InvalidJob, SourceTooLarge
from shared.jobs import Original, ProcessingJob, Request
from shared.manifest import Manifest
from shared.workspace import Attempt

EXAMPLES = Path(__file__).parents[4] / "examples"
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def stage() -> AsyncIterator[Process]:
    async with opened(ProcessSettings(process_workers=1)) as stage:
        yield stage


def job_for(photo: Path, work: Attempt, *operations: Any, cut: int | None = None) -> ProcessingJob:
    """The message that download would send for `photo`."""
    path = work.directory.parent / "download.1" / photo.name
    path.parent.mkdir()
    shutil.copy(photo, path)
    if cut is not None:
        path.write_bytes(path.read_bytes()[:cut])
    original = Original(
        path=work.relative(path),
        size=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        media_type="image/jpeg",
        ext="jpg",
        kind="image",
    )
    return ProcessingJob(
        job_id="job-1",
        run=1,
        volume=work.volume,
        request=Request.model_validate({"source": "file:///a", "operations": operations or None}),
        manifest=Manifest().with_files(original.tracked),
        original=original,
    )


async def test_default_outputs_of_a_photo(
    stage: Process, work: Attempt, mountains: Path, told: list[float]
) -> None:
    job = job_for(mountains, work)
    result = await stage(job, work)
    made = [(o.name, o.ext, o.width, o.height) for o in result.outputs]
    assert made == [
        ("w640", "webp", 640, 480),
        ("w640", "avif", 640, 480),
        ("w1024", "webp", 1024, 768),
        ("w1024", "avif", 1024, 768),
        ("w1920", "webp", 1920, 1440),
        ("w1920", "avif", 1920, 1440),
        ("thumbnail", "webp", 150, 150),
    ]
    for output in result.outputs:
        data = work.locate(output.path).read_bytes()
        assert (output.size, output.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert {file.path for file in result.manifest.files} == {
        job.original.path,
        *(output.path for output in result.outputs),
    }
    assert told[-1] == 100
    assert work.spent.cpu_seconds > 0.1


async def test_film_goes_to_films(stage: Process, work: Attempt) -> None:
    photo = job_for(EXAMPLES / "bunny.mp4", work, "poster")
    original = photo.original.model_copy(update={"kind": "video", "media_type": "video/mp4"})
    result = await stage(photo.model_copy(update={"original": original}), work)
    assert {(output.name, output.media_type) for output in result.outputs} >= {
        ("poster", "image/webp")
    }


async def test_hands_on_what_came(stage: Process, work: Attempt, mountains: Path) -> None:
    job = job_for(mountains, work, "low-quality")
    result = await stage(job, work)
    assert (result.job_id, result.run, result.volume) == (job.job_id, job.run, job.volume)
    assert (result.request, result.original) == (job.request, job.original)


async def test_wrong_parameter_ends_before_anything_is_made(
    stage: Process, work: Attempt, mountains: Path
) -> None:
    job = job_for(mountains, work, "thumbnail", {"op": "resize", "width": -1})
    with pytest.raises(InvalidJob, match=r"operations\.1 \(resize\): width: "):
        await stage(job, work)
    assert list(work.directory.iterdir()) == []


async def test_truncated_photo_is_corrupt(stage: Process, work: Attempt, mountains: Path) -> None:
    job = job_for(mountains, work, cut=500_000)
    with pytest.raises(CorruptMedia, match="damaged"):
        await stage(job, work)


async def test_pixel_limit_of_the_settings_holds(work: Attempt, mountains: Path) -> None:
    settings = ProcessSettings(process_workers=1, max_image_pixels=7_000_000)
    async with opened(settings) as stage:
        with pytest.raises(SourceTooLarge, match="7 million pixels"):
            await stage(job_for(mountains, work), work)


async def test_original_that_is_gone_is_told(
    stage: Process, work: Attempt, mountains: Path
) -> None:
    job = job_for(mountains, work)
    work.locate(job.original.path).unlink()
    with pytest.raises(FilesLost):
        await stage(job, work)


async def test_cancelled_stage_writes_no_more(
    stage: Process, work: Attempt, mountains: Path
) -> None:
    running = asyncio.create_task(stage(job_for(mountains, work), work))
    async with asyncio.timeout(20):
        while not list(work.directory.iterdir()):  # noqa: ASYNC110 - a child makes them
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    left = {path: path.stat().st_size for path in work.directory.iterdir()}
    await asyncio.sleep(0.5)
    assert {path: path.stat().st_size for path in work.directory.iterdir()} == left
    assert len(left) < 7


async def test_that_children_are_not_isolated_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("services.process.stage.fault", lambda: "Darwin has no filter")
    with structlog.testing.capture_logs() as logs:
        async with opened(ProcessSettings()):
            pass
    (line,) = logs
    assert line["event"] == "children can reach the network"
    assert (line["log_level"], line["reason"]) == ("warning", "Darwin has no filter")


async def test_presets_of_the_operators_file_are_made(
    work: Attempt, mountains: Path, tmp_path: Path
) -> None:
    file = tmp_path / "presets.toml"
    file.write_text('[photo]\ntiny = [{ op = "resize", name = "tiny", width = 20 }]')
    async with opened(ProcessSettings(process_workers=1, presets_file=file)) as stage:
        result = await stage(job_for(mountains, work, "tiny"), work)
    assert [(output.name, output.width) for output in result.outputs] == [("tiny", 20)]


async def test_what_is_told_of_a_photo_is_a_file_and_a_value(
    stage: Process, work: Attempt, mountains: Path
) -> None:
    wanted = ("thumbhash", {"op": "resize", "name": "small", "width": 50}, "srcset")
    result = await stage(job_for(mountains, work, *wanted), work)
    hashed, small, srcset = result.outputs
    assert [(o.name, o.ext, o.media_type, o.names_urls) for o in (hashed, srcset)] == [
        ("thumbhash", "json", "application/json", False),
        ("srcset", "json", "application/json", True),
    ]
    assert small.recipe
    assert small.value is None
    for output in (hashed, srcset):
        text = work.locate(output.path).read_bytes()
        assert orjson.loads(text) == output.value
        assert (output.size, output.sha256) == (len(text), hashlib.sha256(text).hexdigest())
    assert srcset.value is not None
    assert srcset.value["img"]["src"] == "{url:small.webp}"


async def test_values_are_bounded(stage: Process, work: Attempt, mountains: Path) -> None:
    parts = [{"op": "palette", "name": f"p{number}", "count": 16} for number in range(14)]
    result = await stage(job_for(mountains, work, *parts), work)
    kept = [output for output in result.outputs if output.value is not None]
    assert 0 < len(kept) < len(parts)
    assert sum(output.size for output in kept) <= VALUE_BYTES


async def test_srcset_alone_needs_no_picture(
    stage: Process, work: Attempt, mountains: Path
) -> None:
    (told,) = (await stage(job_for(mountains, work, "srcset"), work)).outputs
    assert told.value == {"sources": [], "sizes": "100vw"}


async def test_watermark_that_is_not_there_ends_before_anything_is_made(
    stage: Process, work: Attempt, mountains: Path
) -> None:
    job = job_for(mountains, work, {"op": "watermark", "image": "logo"})
    with pytest.raises(InvalidJob, match="WATERMARKS_DIR is not set"):
        await stage(job, work)
    assert list(work.directory.iterdir()) == []
