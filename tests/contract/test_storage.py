"""What every storage must do. See `shared/storage/base.py`."""

import asyncio
import errno
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.errors import (
    FilesLost,
    InvalidJob,
    ObjectExists,
    SourceTooLarge,
    StorageUnavailable,
    WorkspaceFull,
)
from shared.storage.base import Intent, Owner
from tests.conftest import ROOT
from tests.contract import stores
from tests.contract.stores import PART_BYTES, Store

KEY = "users/42/small.webp"
RUN = Owner(job_id="job", run=1)
NEXT_RUN = Owner(job_id="job", run=2)
OTHER = Owner(job_id="other", run=1)
# The same names in another lane, or in the same one after the first receipt has expired.
NAMESAKE = Owner(job_id="job", run=1, token="5e2b9f0c71d3a846")
OTHERS = pytest.mark.parametrize(
    "owner", [NEXT_RUN, OTHER, NAMESAKE], ids=["next run", "other job", "namesake"]
)
# moto looks for the object and then writes it: only a real S3 lets just one of two through.
ATOMIC = ["memory", "filesystem", *(["s3"] if "S3_ENDPOINT_URL" in os.environ else [])]
SIZES = {"empty": 0, "small": 1000, "a part": PART_BYTES, "three parts": 2 * PART_BYTES + 1}


@pytest.fixture(params=["memory", "filesystem", "s3"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def where(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The storage's place, as `dying` is told."""
    if kind == "s3":
        endpoint, bucket = map(request.getfixturevalue, ("s3_endpoint", "s3_bucket"))
        return f"s3={endpoint}/{bucket}"
    return f"{kind}={tmp_path / 'storage'}"


@pytest.fixture
async def store(kind: str, where: str) -> AsyncIterator[Store]:
    place = where.partition("=")[2]
    match kind:
        case "s3":
            endpoint, _, bucket = place.rpartition("/")
            made = stores.s3(endpoint, bucket)
        case "filesystem":
            made = stores.filesystem(Path(place))
        case _:
            made = stores.memory()
    await made.storage.check()
    yield made
    await made.storage.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return file(tmp_path / "photo", b"a photo")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return file(tmp_path / "large", pattern(SIZES["three parts"]))


def file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def pattern(size: int) -> bytes:
    return (hashlib.sha256(b"pattern").digest() * (size // 32 + 1))[:size]


async def content(store: Store, key: str, target: Path) -> bytes:
    await store.storage.get(key, target, limit_bytes=1 << 30)
    try:
        return target.read_bytes()
    finally:
        target.unlink()


# ── objects ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
async def test_what_was_put_is_got(store: Store, tmp_path: Path, size: int) -> None:
    await store.put(KEY, file(tmp_path / "source", pattern(size)), RUN)
    assert await content(store, KEY, tmp_path / "target") == pattern(size)
    found = await store.storage.stat(KEY)
    assert found is not None
    assert (found.key, found.size) == (KEY, size)


async def test_an_intent_is_journalled_before_the_object_is_there(
    store: Store, large: Path
) -> None:
    seen = []

    def journal(intent: Intent) -> None:
        seen.append(intent)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        await store.storage.put(
            KEY, large, media_type="a/b", sha256=sha256(large), owner=RUN, journal=journal
        )
    assert [intent.key for intent in seen] == [KEY]
    assert await store.keys() == []
    assert list(store.leftovers()) == []


async def test_there_is_no_stat_of_what_is_not_there(store: Store, photo: Path) -> None:
    await store.put(KEY, photo, RUN)
    assert await store.storage.stat("users/42/other.webp") is None
    assert await store.storage.stat("users/42") is None
    assert await store.storage.stat(f"{KEY}/below") is None


async def test_getting_what_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await store.storage.get(KEY, tmp_path / "target", limit_bytes=10)
    assert not (tmp_path / "target").exists()


async def test_getting_more_than_the_limit(store: Store, photo: Path, tmp_path: Path) -> None:
    await store.put(KEY, photo, RUN)
    size = photo.stat().st_size
    with pytest.raises(SourceTooLarge, match=KEY):
        await store.storage.get(KEY, tmp_path / "target", limit_bytes=size - 1)
    assert not (tmp_path / "target").exists()
    await store.storage.get(KEY, tmp_path / "target", limit_bytes=size)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
async def test_getting_what_there_is_no_room_for(
    store: Store, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """It is the disk that is full, and not the storage that fails: the job waits, uncounted."""
    target, real = tmp_path / "target", os.write

    def write(descriptor: int, content: bytes) -> int:
        if target.exists() and os.path.samestat(os.fstat(descriptor), target.stat()):
            raise OSError(error, os.strerror(error))
        return real(descriptor, content)

    def no_shortcut(*_: object) -> int:
        raise OSError(errno.EXDEV, "between two file systems")

    await store.put(KEY, large, RUN)
    monkeypatch.setattr(os, "copy_file_range", no_shortcut, raising=False)
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(WorkspaceFull):
        await store.storage.get(KEY, target, limit_bytes=1 << 30)
    assert not target.exists()


async def test_deleting_twice(store: Store, photo: Path) -> None:
    await store.put(KEY, photo, RUN)
    await store.storage.delete(KEY)
    assert await store.storage.stat(KEY) is None
    await store.storage.delete(KEY)


async def test_listing_in_order_of_key(store: Store, photo: Path) -> None:
    keys = ["a-b", "a.b", "a/b", "a/b.c", "a/b/c", "aa", "ab/é", "ab/ü/x"]
    keys.remove("a/b")  # below a file there is nothing on a file system
    for key in reversed(keys):
        await store.put(key, photo, RUN)
    assert await store.keys() == keys
    below = [(stored.key, stored.size) async for stored in store.storage.list("a/b")]
    assert below == [("a/b.c", 7), ("a/b/c", 7)]
    assert [stored.key async for stored in store.storage.list("nowhere/")] == []


async def test_urls(store: Store) -> None:
    assert store.storage.url("a/b~ü ?.webp") == "https://cdn.example/a/b~%C3%BC%20%3F.webp"


async def test_a_check_leaves_nothing(store: Store) -> None:
    await store.storage.check()
    assert await store.keys() == []
    assert list(store.leftovers()) == []


async def test_closing_twice(store: Store, photo: Path) -> None:
    await store.put(KEY, photo, RUN)
    await store.storage.close()
    await store.storage.close()
    assert await store.storage.stat(KEY) is not None


# ── create, never overwrite ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", ["photo", "large"])
async def test_the_same_run_once_more_is_done(
    store: Store, source: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path: Path = request.getfixturevalue(source)
    await store.put(KEY, path, RUN)
    await store.put(KEY, path, RUN)
    assert await content(store, KEY, tmp_path / "target") == path.read_bytes()
    await store.settle(RUN)
    assert list(store.leftovers()) == []


@OTHERS
@pytest.mark.parametrize("source", ["photo", "large"])
async def test_anothers_object_is_not_touched(
    store: Store, owner: Owner, source: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await store.put(KEY, file(tmp_path / "first", b"first"), owner)
    theirs, store.journalled = store.journalled, []
    with pytest.raises(ObjectExists, match=KEY):
        await store.put(KEY, request.getfixturevalue(source), RUN)
    await store.rollback(RUN)
    assert await content(store, KEY, tmp_path / "target") == b"first"
    store.journalled = theirs
    await store.settle(owner)
    assert list(store.leftovers()) == []


@OTHERS
async def test_the_same_content_of_anothers_is_anothers(
    store: Store, photo: Path, owner: Owner
) -> None:
    await store.put(KEY, photo, owner)
    theirs, store.journalled = store.journalled, []
    with pytest.raises(ObjectExists, match=KEY):
        await store.put(KEY, photo, RUN)
    await store.rollback(RUN)
    assert await store.keys() == [KEY]
    store.journalled = theirs
    await store.put(KEY, photo, owner)
    await store.rollback(owner)
    assert await store.keys() == []


async def test_a_run_whose_number_begins_alike_is_another(store: Store, photo: Path) -> None:
    await store.put(KEY, photo, Owner(job_id="job", run=10))
    with pytest.raises(ObjectExists):
        await store.put(KEY, photo, RUN)


async def test_own_object_with_other_content(store: Store, photo: Path, tmp_path: Path) -> None:
    await store.put(KEY, photo, RUN)
    with pytest.raises(ObjectExists):
        await store.put(KEY, file(tmp_path / "other", b"another photo"), RUN)
    assert await content(store, KEY, tmp_path / "target") == photo.read_bytes()


@pytest.mark.parametrize("kind", ATOMIC)
async def test_of_several_at_once_one_wins(store: Store, tmp_path: Path) -> None:
    sources = [file(tmp_path / f"{number}", pattern(1000 + number)) for number in range(4)]
    owners = [Owner(job_id="job", run=number) for number in range(1, 5)]
    ends = await asyncio.gather(
        *(store.put(KEY, *pair) for pair in zip(sources, owners, strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["NoneType", *["ObjectExists"] * 3]
    winner = sources[ends.index(None)]
    assert await content(store, KEY, tmp_path / "target") == winner.read_bytes()


@pytest.mark.parametrize("source", ["photo", "large"])
async def test_overwriting(
    store: Store, source: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path: Path = request.getfixturevalue(source)
    await store.put(KEY, file(tmp_path / "first", b"first"), OTHER)
    await store.settle(OTHER)
    store.journalled.clear()
    await store.put(KEY, path, RUN, overwrite=True)
    await store.put(KEY, path, RUN, overwrite=True)
    assert await content(store, KEY, tmp_path / "target") == path.read_bytes()
    await store.rollback(RUN)
    assert await store.keys() == [KEY], "what took another's place stays"
    assert list(store.leftovers()) == []


async def test_overwriting_nothing_is_creating(store: Store, photo: Path) -> None:
    await store.put(KEY, photo, RUN, overwrite=True)
    await store.rollback(RUN)
    assert await store.keys() == []


@pytest.mark.parametrize("source", ["photo", "large"])
async def test_a_file_that_is_not_what_was_made(
    store: Store, source: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(StorageUnavailable, match=KEY):
        await store.put(KEY, request.getfixturevalue(source), RUN, sha256="0" * 64)
    assert await store.keys() == []
    assert list(store.leftovers()) == []


async def test_a_file_that_is_gone(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FilesLost, match=r"gone\.webp"):
        await store.put(KEY, tmp_path / "gone.webp", RUN, sha256="0" * 64)
    assert await store.keys() == []


# ── settle and roll back ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", ["photo", "large"])
async def test_settling_leaves_the_object_alone(
    store: Store, source: str, request: pytest.FixtureRequest
) -> None:
    await store.put(KEY, request.getfixturevalue(source), RUN)
    await store.settle(RUN)
    await store.settle(RUN)
    assert await store.keys() == [KEY]
    assert list(store.leftovers()) == []


@pytest.mark.parametrize("source", ["photo", "large"])
async def test_rolling_back_leaves_nothing(
    store: Store, source: str, request: pytest.FixtureRequest
) -> None:
    await store.put(KEY, request.getfixturevalue(source), RUN)
    await store.rollback(RUN)
    await store.rollback(RUN)
    assert await store.keys() == []
    assert list(store.leftovers()) == []


async def test_rolling_back_a_put_that_never_began(store: Store) -> None:
    await store.storage.rollback(Intent(key=KEY), RUN)
    await store.storage.rollback(Intent(key=KEY, token="job.1.0123456789abcdef"), RUN)
    await store.storage.settle(Intent(key=KEY, token="job.1.0123456789abcdef"), RUN)


async def test_rolling_back_is_for_ones_own_run_alone(store: Store, photo: Path) -> None:
    await store.put(KEY, photo, RUN)
    await store.rollback(NEXT_RUN)
    await store.rollback(OTHER)
    await store.rollback(NAMESAKE)
    assert await store.keys() == [KEY]


@pytest.mark.parametrize("seconds", [0, 0.002, 0.01, 0.05])
async def test_a_cancelled_put_is_whole_or_leaves_nothing(
    store: Store, large: Path, tmp_path: Path, seconds: float
) -> None:
    def journal(intent: Intent) -> None:
        if not store.journalled:
            asyncio.get_running_loop().call_later(seconds, work.cancel)
        store.journalled.append(intent)

    work = asyncio.create_task(
        store.storage.put(
            KEY, large, media_type="a/b", sha256=sha256(large), owner=RUN, journal=journal
        )
    )
    await asyncio.wait([work])
    if await store.keys():  # it was over before the end could be told
        assert await content(store, KEY, tmp_path / "target") == large.read_bytes()
    else:
        assert list(store.leftovers()) == []
    await store.rollback(RUN)
    assert await store.keys() == []
    assert list(store.leftovers()) == []


@pytest.mark.parametrize("kind", ["filesystem", "s3"])
@pytest.mark.parametrize("death", ["1", "2", "done"])
@pytest.mark.parametrize("end", ["rollback", "retry"])
async def test_a_process_that_is_killed(
    store: Store, where: str, large: Path, tmp_path: Path, death: str, end: str
) -> None:
    journal = tmp_path / "journal"
    argv = [where, KEY, str(large), sha256(large), str(journal), death]
    dead = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "tests.contract.dying", *argv], cwd=ROOT, check=False
    )
    assert dead.returncode == -signal.SIGKILL
    store.journalled = [Intent.decode(line) for line in journal.read_bytes().splitlines()]
    if end == "rollback":
        await store.rollback(RUN)
        assert await store.keys() == []
    else:
        await store.put(KEY, large, RUN)
        await store.settle(RUN)
        assert await content(store, KEY, tmp_path / "target") == large.read_bytes()
    assert list(store.leftovers()) == []


# ── keys and owners ──────────────────────────────────────────────────────────────────────────

BAD_KEYS = [
    "",
    "/absolute",
    "../outside",
    "a/../../outside",
    "a/./b",
    "a//b",
    "a/",
    ".millrace/job.1.0",
    ".Millrace/x",
    "nul\0",
    "line\n",
    "\ud800",
    "x" * 256,
    "x/" * 512 + "x",
]


@pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
async def test_bad_keys_are_refused(store: Store, photo: Path, tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidJob, match="the key"):
        await store.put(key, photo, RUN)
    with pytest.raises(InvalidJob):
        await store.storage.get(key, tmp_path / "target", limit_bytes=10)
    with pytest.raises(InvalidJob):
        await store.storage.stat(key)
    with pytest.raises(InvalidJob):
        await store.storage.delete(key)
    assert store.journalled == []


async def test_any_job_id_can_own(store: Store, photo: Path) -> None:
    owner = Owner(job_id="\N{CAMERA WITH FLASH}" * 200, run=1)
    await store.put(KEY, photo, owner)
    found = await store.storage.stat(KEY)
    assert found is not None
    assert found.owner in (owner, None)
    await store.put(KEY, photo, owner)
    await store.rollback(owner)
    assert await store.keys() == []


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
