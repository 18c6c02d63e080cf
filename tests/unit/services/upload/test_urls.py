"""Outputs that name the URLs of others."""

import hashlib
from pathlib import Path

import orjson

from services.upload.stage import Upload
from shared.jobs import Output
from shared.storage.memory import MemoryStorage
from tests.unit.services.download.work import FolderWork
from tests.unit.services.upload.jobs import job, original, output

TOLD = {"sources": [{"srcset": "{url:w1.webp} 1w, {url:w2.webp} 2w"}], "width": 2, "of": "{url:x}"}
WITH_URLS = {
    "sources": [{"srcset": "https://cdn.example/j/w1.webp 1w, https://cdn.example/j/w2.webp 2w"}],
    "width": 2,
    "of": "{url:x}",
}


def folders(tmp_path: Path) -> tuple[Path, FolderWork]:
    made, directory = tmp_path / "job-1.2" / "process.0", tmp_path / "job-1.2" / "upload.0"
    made.mkdir(parents=True)
    directory.mkdir()
    return made, FolderWork(directory)


def outputs(made: Path, *, kept: bool) -> tuple[Output, ...]:
    told = output("srcset", "json", orjson.dumps(TOLD), made)
    naming = told.model_copy(update={"names_urls": True, "value": TOLD if kept else None})
    plain = output("other", "json", b'"{url:w1.webp}"', made)
    return naming, plain, output("w1", "webp", b"1", made), output("w2", "webp", b"22", made)


async def test_urls_stand_in_the_file_and_in_the_result(tmp_path: Path) -> None:
    made, work = folders(tmp_path)
    storage = MemoryStorage("https://cdn.example")
    upload = Upload(storage, files_at_once=2, root=None)
    asked = job(outputs(made, kept=True), original(b"", made), destination="j/{name}.{ext}")
    end = await upload(asked, work)
    told, plain = end.results[:2]
    await storage.get("j/srcset.json", tmp_path / "srcset.json", limit_bytes=9999)
    stored = (tmp_path / "srcset.json").read_bytes()
    assert orjson.loads(stored) == told.value == WITH_URLS
    assert (told.size, told.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    await storage.get("j/other.json", tmp_path / "other.json", limit_bytes=9999)
    assert (tmp_path / "other.json").read_bytes() == b'"{url:w1.webp}"'
    assert plain.value is None
    assert [file.path for file in end.manifest.files] == ["upload.0/srcset.json"]


async def test_value_that_was_too_long_stays_in_the_file_alone(tmp_path: Path) -> None:
    made, work = folders(tmp_path)
    upload = Upload(MemoryStorage("https://cdn.example"), files_at_once=2, root=None)
    asked = job(outputs(made, kept=False), original(b"", made), destination="j/{name}.{ext}")
    assert (await upload(asked, work)).results[0].value is None
