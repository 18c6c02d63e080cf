import asyncio
import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest

from shared.errors import StorageUnavailable, WorkspaceFull
from shared.storage.copying import copy, in_thread, new_file, write_all

CONTENT = bytes(range(256)) * 10_000


def copied(source: Path, target: Path, stop: threading.Event) -> str:
    with source.open("rb") as original, target.open("xb+") as there:
        return copy(original.fileno(), there.fileno(), stop)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, len(CONTENT)])
def test_a_copy_and_its_digest(tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(CONTENT[:size])
    digest = copied(tmp_path / "a", tmp_path / "b", threading.Event())
    assert (tmp_path / "b").read_bytes() == CONTENT[:size]
    assert digest == hashlib.sha256(CONTENT[:size]).hexdigest()


def test_a_copy_between_file_systems(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    source = memory / f"millrace-{os.getpid()}"
    source.write_bytes(CONTENT)
    try:
        copied(source, tmp_path / "b", threading.Event())
    finally:
        source.unlink()
    assert (tmp_path / "b").read_bytes() == CONTENT


def test_a_copy_without_the_kernels_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "copy_file_range", raising=False)
    (tmp_path / "a").write_bytes(CONTENT)
    copied(tmp_path / "a", tmp_path / "b", threading.Event())
    assert (tmp_path / "b").read_bytes() == CONTENT


def test_a_stopped_copy_ends(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    stop = threading.Event()
    stop.set()
    with pytest.raises(InterruptedError):
        copied(tmp_path / "a", tmp_path / "b", stop)


async def test_a_cancelled_thread_is_stopped_and_waited_for() -> None:
    began, ended = threading.Event(), threading.Event()

    def work(stop: threading.Event) -> None:
        began.set()
        assert stop.wait(10)
        ended.set()
        raise InterruptedError("stopped")

    running = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(began.wait, 10)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert ended.is_set()


def test_a_new_file_may_find_no_room_for_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(WorkspaceFull, match="fetch a"), new_file(tmp_path / "a"):
        pass


def test_a_new_file_stays_only_if_all_went_well(tmp_path: Path) -> None:
    with new_file(tmp_path / "a") as descriptor:
        write_all(descriptor, CONTENT, threading.Event())
    assert (tmp_path / "a").read_bytes() == CONTENT
    with pytest.raises(KeyError), new_file(tmp_path / "b"):
        raise KeyError
    assert not (tmp_path / "b").exists()
    with pytest.raises(FileExistsError), new_file(tmp_path / "a"):
        pass
    assert (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("code", "end"), [(errno.ENOSPC, WorkspaceFull), (errno.EIO, StorageUnavailable)]
)
def test_what_a_failure_to_write_means(tmp_path: Path, code: int, end: type[Exception]) -> None:
    with pytest.raises(end, match="name"), new_file(tmp_path / "name"):
        raise OSError(code, os.strerror(code))
