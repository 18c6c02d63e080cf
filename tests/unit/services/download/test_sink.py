import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from services.download.sink import STEP_BYTES, Sink
from shared.errors import SourceTooLarge, WorkspaceFull
from tests.unit.services.download.work import FolderWork


async def test_what_is_written_is_hashed_and_counted(target: Path, work: FolderWork) -> None:
    with Sink(target, 100, work) as sink:
        await sink.expect(6)
        await sink.write(b"abc")
        await sink.write(b"def")
        fetched = sink.fetched()
        assert target.read_bytes() == b"abcdef"
    assert fetched.size == work.spent.downloaded_bytes == 6
    assert fetched.sha256 == hashlib.sha256(b"abcdef").hexdigest()
    assert work.percents == [50.0, 100.0]
    assert work.reserved == [6]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


async def test_a_restart_forgets_bytes_and_hash_but_not_the_cost(
    target: Path, work: FolderWork
) -> None:
    with Sink(target, 100, work) as sink:
        await sink.write(b"wrong, and longer")
        await sink.restart()
        await sink.write(b"right")
        fetched = sink.fetched()
    assert target.read_bytes() == b"right"
    assert fetched.sha256 == hashlib.sha256(b"right").hexdigest()
    assert work.spent.downloaded_bytes == len(b"wrong, and longer") + len(b"right")


async def test_the_limit_holds_for_what_is_announced_and_for_what_comes(
    target: Path, work: FolderWork
) -> None:
    with Sink(target, 4, work) as sink:
        with pytest.raises(SourceTooLarge, match="4 bytes allowed"):
            await sink.expect(5)
        await sink.write(b"abcd")
        with pytest.raises(SourceTooLarge):
            await sink.write(b"e")
    assert target.read_bytes() == b"abcd"


async def test_room_is_reserved_in_steps_where_the_size_is_unknown(
    target: Path, work: FolderWork
) -> None:
    with Sink(target, 1 << 40, work) as sink:
        await sink.expect(None)
        await sink.write(b"ab")
        await sink.write(b"cd")
    assert work.reserved == [2 + STEP_BYTES]


async def test_without_room_nothing_is_written(target: Path, work: FolderWork) -> None:
    work.room_bytes = 10
    with Sink(target, 100, work) as sink:
        with pytest.raises(WorkspaceFull):
            await sink.expect(11)
        with pytest.raises(WorkspaceFull):
            await sink.write(b"abc")
    assert target.read_bytes() == b""


async def test_a_full_disk_is_waited_for(tmp_path: Path, work: FolderWork) -> None:
    with Sink(tmp_path / "full", 1 << 30, work) as sink:
        sink._file.close()
        sink._file = os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0)
        with pytest.raises(WorkspaceFull):
            await sink.write(b"x" * 1_000_000)


async def test_a_name_that_is_taken_is_not_written_through(target: Path, work: FolderWork) -> None:
    elsewhere = work.directory / "elsewhere"
    target.symlink_to(elsewhere)
    with pytest.raises(OSError, match=os.strerror(errno.EEXIST)):
        Sink(target, 100, work).__enter__()
    assert not elsewhere.exists()
