"""The pool of child processes, with real processes."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import uvloop

from services.process import idle
from services.process.child import Bounds
from services.process.pools import Pool
from shared.errors import (
    CorruptMedia,
    EngineUnavailable,
    InvalidJob,
    SourceTooLarge,
    TimeLimit,
    UnsupportedMedia,
)
from shared.jobs import DownloadJob
from shared.workspace import Attempt

BOUNDS = Bounds(memory_bytes=2**30, file_bytes=2**20, open_files=32, niceness=1)
NOTHING = partial(int)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool.opened(1, BOUNDS, NOTHING) as pool:
        yield pool


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def locked(path: Path) -> int | None:
    """A descriptor that holds the lock on `path`, or None where another does."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


async def pid_of(pool: Pool, work: Attempt) -> int:
    return await pool.call(os.getpid, seconds=20, work=work)


async def test_runs_in_another_process_which_is_kept(pool: Pool, work: Attempt) -> None:
    first, second = await pid_of(pool, work), await pid_of(pool, work)
    assert first == second != os.getpid()


async def test_counts_what_the_call_took(pool: Pool, work: Attempt) -> None:
    await pool.call(hashlib.pbkdf2_hmac, "sha256", b"", b"", 10**6, seconds=20, work=work)
    assert 0.05 < work.spent.cpu_seconds < 20
    assert 2**20 < work.spent.peak_memory_bytes < 2**30


async def test_memory_is_counted_for_each_call_alone(pool: Pool, work: Attempt) -> None:
    await pool.call(len, bytes(100 * 2**20), seconds=20, work=work)
    high, work.spent.peak_memory_bytes = work.spent.peak_memory_bytes, 0
    await pool.call(len, b"", seconds=20, work=work)
    assert work.spent.peak_memory_bytes < high - 50 * 2**20


async def test_cancelled_call_has_killed_its_child(pool: Pool, work: Attempt) -> None:
    pid = await pid_of(pool, work)
    call = asyncio.create_task(pool.call(time.sleep, 60, seconds=99, work=work))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, 5)
    assert not lives(pid)
    assert await pid_of(pool, work) != pid


async def test_call_that_is_cancelled_twice_still_waits_for_the_death(
    pool: Pool, work: Attempt
) -> None:
    pid = await pid_of(pool, work)
    call = asyncio.create_task(pool.call(time.sleep, 60, seconds=99, work=work))
    await asyncio.sleep(0.1)
    call.cancel()
    asyncio.get_running_loop().call_soon(call.cancel)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, 5)
    assert not lives(pid)


async def test_slow_call_is_ended(pool: Pool, work: Attempt) -> None:
    pid = await pid_of(pool, work)
    with pytest.raises(TimeLimit, match=r"longer than 0\.2 seconds"):
        await pool.call(time.sleep, 60, seconds=0.2, work=work)
    assert not lives(pid)


async def test_child_that_dies_costs_its_own_call_alone(work: Attempt) -> None:
    async with Pool.opened(2, BOUNDS, NOTHING) as pool:
        slow = asyncio.create_task(pool.call(time.sleep, 1, seconds=20, work=work))
        await asyncio.sleep(0.3)
        with pytest.raises(CorruptMedia, match=r"decoder crash \(signal 6\)"):
            await pool.call(os.abort, seconds=20, work=work)
        with pytest.raises(EngineUnavailable, match="killed by signal 9"):
            await pool.call(signal.raise_signal, signal.SIGKILL, seconds=20, work=work)
        with pytest.raises(EngineUnavailable, match="ended with code 3"):
            await pool.call(os._exit, 3, seconds=20, work=work)
        await slow
        assert pool.healthy


async def test_a_call_sees_how_many_children_are_idle_as_it_runs(
    work: Attempt, tmp_path: Path
) -> None:
    file = tmp_path / "seen"
    async with Pool.opened(2, BOUNDS, NOTHING) as pool:
        other = asyncio.create_task(pool.call(wait_for, file, seconds=20, work=work))
        await asyncio.sleep(0)  # it has its child
        seen = await pool.call(threads_before_and_after, file, seconds=20, work=work)
        await other
        assert seen == (1, 2)
        assert await pool.call(idle.threads, 1, seconds=20, work=work) == 1


def wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


def threads_before_and_after(file: Path) -> tuple[int, int]:
    """How many it may have; and then, when the other call has ended, which waits for `file`."""
    before = idle.threads(8)
    file.touch()
    while (after := idle.threads(8)) == before:
        time.sleep(0.01)
    return before, after


async def test_child_that_died_idle_is_replaced(pool: Pool, work: Attempt) -> None:
    pid = await pid_of(pool, work)
    os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert await pid_of(pool, work) != pid


async def test_our_errors_come_through_as_they_are(pool: Pool, work: Attempt) -> None:
    with pytest.raises(InvalidJob, match=r"^source: Field required"):
        await pool.call(DownloadJob.decode, b'{"jobId":"a"}', seconds=20, work=work)


async def test_other_errors_become_ours_and_keep_the_child(pool: Pool, work: Attempt) -> None:
    pid = await pid_of(pool, work)
    with pytest.raises(EngineUnavailable, match=r"^ValueError: invalid literal"):
        await pool.call(int, "x", seconds=20, work=work)
    assert await pid_of(pool, work) == pid


async def test_memory_is_bounded(pool: Pool, work: Attempt) -> None:
    with pytest.raises(UnsupportedMedia, match="more memory than is allowed"):
        await pool.call(bytearray, 2**31, seconds=20, work=work)


@pytest.mark.parametrize(
    "said", ["heif: Memory allocation error (2.0)", "Insufficient memory (case 4)", "out of memory"]
)
async def test_libraries_tell_of_the_limit_in_their_words(
    pool: Pool, work: Attempt, said: str
) -> None:
    with pytest.raises(UnsupportedMedia, match="more memory than is allowed"):
        await pool.call(fail_with, said, seconds=20, work=work)


def fail_with(said: str) -> None:
    raise CorruptMedia(f"The picture is damaged: {said}")


async def test_files_are_bounded(pool: Pool, work: Attempt) -> None:
    with pytest.raises(SourceTooLarge, match="larger than allowed"):
        await pool.call(
            Path.write_bytes, work.directory / "large", bytes(2**20 + 1), seconds=20, work=work
        )


async def test_each_thread_has_the_cpu_time_of_the_call(pool: Pool, work: Attempt) -> None:
    soft, _ = await pool.call(
        resource.getrlimit, resource.RLIMIT_CPU, seconds=2000, work=work, threads=16
    )
    assert 32_000 < soft < 34_000


async def test_there_are_no_core_dumps(pool: Pool, work: Attempt) -> None:
    limits = await pool.call(resource.getrlimit, resource.RLIMIT_CORE, seconds=20, work=work)
    assert limits == (0, 0)


async def test_children_know_no_credentials(
    pool: Pool, work: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R2_SECRET_ACCESS_KEY", "secret")
    async with Pool.opened(1, BOUNDS, NOTHING) as later:
        for name, known in (("R2_SECRET_ACCESS_KEY", None), ("VIPS_CONCURRENCY", "1")):
            assert await later.call(os.getenv, name, seconds=20, work=work) == known


async def test_answer_that_is_no_value_of_ours_is_not_read(pool: Pool, work: Attempt) -> None:
    with pytest.raises(EngineUnavailable, match="may not name pathlib"):
        await pool.call(Path, "/", seconds=20, work=work)
    assert await pool.call(len, "ab", seconds=20, work=work) == 2


async def test_child_holds_the_lock_while_it_works(pool: Pool, work: Attempt) -> None:
    path = work.directory / "a.lock"
    lock = locked(path)
    assert lock is not None
    work.lock = lock
    call = asyncio.create_task(pool.call(time.sleep, 60, seconds=99, work=work))
    await asyncio.sleep(0.5)
    os.close(lock)
    assert locked(path) is None
    call.cancel()
    await asyncio.wait([call])
    again = locked(path)
    assert again is not None
    os.close(again)


async def test_child_lets_go_of_the_lock_with_its_answer(pool: Pool, work: Attempt) -> None:
    path = work.directory / "a.lock"
    for _ in range(50):
        lock = locked(path)
        assert lock is not None
        work.lock = lock
        await pool.call(len, "", seconds=20, work=work)
        os.close(lock)


async def test_pool_that_cannot_start_says_why(work: Attempt) -> None:
    async with Pool.opened(1, BOUNDS, partial(int, "no number")) as pool:
        with pytest.raises(EngineUnavailable, match="no number"):
            await pid_of(pool, work)
        assert not pool.healthy
        assert "no number" in (pool.fault or "")


async def test_pool_whose_children_crash_at_their_start_blames_no_file(work: Attempt) -> None:
    async with Pool.opened(1, BOUNDS, os.abort) as pool:
        with pytest.raises(EngineUnavailable, match="killed by signal 6"):
            await pid_of(pool, work)
        assert not pool.healthy


async def test_open_does_not_wait_for_children() -> None:
    began = time.monotonic()
    async with Pool.opened(4, BOUNDS, partial(time.sleep, 5)):
        assert time.monotonic() - began < 0.2


async def test_closed_pool_leaves_no_process(work: Attempt) -> None:
    async with Pool.opened(1, BOUNDS, NOTHING) as pool:
        pid = await pid_of(pool, work)
        assert lives(pid)
    assert not lives(pid)


async def test_calls_of_a_pool_that_is_closed_end_with_errors_of_their_own(work: Attempt) -> None:
    async with Pool.opened(1, BOUNDS, NOTHING) as pool:
        await pid_of(pool, work)
        running = asyncio.create_task(pool.call(time.sleep, 60, seconds=99, work=work))
        waiting = [asyncio.create_task(pid_of(pool, work)) for _ in range(2)]
        await asyncio.sleep(0.1)
    with pytest.raises(EngineUnavailable, match="killed by signal 9"):
        await asyncio.wait_for(running, 20)
    for call in waiting:
        with pytest.raises(EngineUnavailable, match="the service ends"):
            await asyncio.wait_for(call, 20)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "none starts another child"


def test_works_on_uvloop(work: Attempt) -> None:
    async def cancelled() -> int:
        async with Pool.opened(1, BOUNDS, NOTHING) as pool:
            pid = await pid_of(pool, work)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pool.call(time.sleep, 60, seconds=99, work=work), 0.1)
            assert not lives(pid)
            return await pid_of(pool, work)

    assert not lives(uvloop.run(cancelled()))


PARENT = """
import asyncio, functools, os, time
from types import SimpleNamespace
from services.process import idle
from services.process.child import Bounds
from services.process.pools import Pool
from shared.work import Spent

async def main():
    work = SimpleNamespace(lock=os.open(os.devnull, os.O_RDONLY), spent=Spent())
    async with Pool.opened(1, Bounds(2**30, 2**20, 32, 1), functools.partial(int)) as pool:
        print(await pool.call(os.getpid, seconds=20, work=work), flush=True)
        await pool.call(time.sleep, 60, seconds=99, work=work)

asyncio.run(main())
"""


def test_children_die_with_their_parent() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        parent.kill()
    ends = time.monotonic() + 5
    while lives(child) and time.monotonic() < ends:
        time.sleep(0.02)
    assert not lives(child)


class Echo:
    """A companion that says a word to each child."""

    def __init__(self) -> None:
        self.generation = 1
        self.is_there = True

    def line(self) -> socket.socket | None:
        if not self.is_there:
            return None
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(b"generation %d" % self.generation)
        return ours


def listen(line: int | None = None) -> None:
    """What a child does at its start with its line."""
    os.environ["SAID"] = socket.socket(fileno=line).recv(99).decode() if line else "nothing"


def heard() -> str:
    return os.environ["SAID"]


async def test_each_child_has_a_line_to_the_companion_of_its_time(work: Attempt) -> None:
    companion = Echo()
    async with Pool.opened(1, BOUNDS, listen, companion) as pool:
        first = await pid_of(pool, work)
        assert await pool.call(heard, seconds=20, work=work) == "generation 1"
        assert await pid_of(pool, work) == first
        companion.generation = 2
        assert await pool.call(heard, seconds=20, work=work) == "generation 2"
        assert not lives(first)
        companion.generation, companion.is_there = 3, False
        assert await pool.call(heard, seconds=20, work=work) == "nothing"


async def test_a_child_that_stands_still_is_ended(work: Attempt) -> None:
    bounds = replace(BOUNDS, stall_seconds=0.5)
    async with Pool.opened(1, bounds, NOTHING) as pool:
        pid = await pid_of(pool, work)
        with pytest.raises(EngineUnavailable, match=r"stood still for 0\.5 seconds"):
            await pool.call(time.sleep, 60, seconds=99, work=work)
        assert not lives(pid)
        assert await pid_of(pool, work) != pid
