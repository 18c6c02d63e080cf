"""A child program: confined, holding the lock, counted, and dead at the end. With real ones."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from services.process import launch
from services.process.child import Bounds
from services.process.video.ffmpeg.program import Program
from shared.errors import EngineUnavailable
from shared.workspace import Attempt
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

BOUNDS = Bounds(memory_bytes=2**30, file_bytes=2**20, open_files=33, niceness=0)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def is_zombie(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def test_output_errors_and_end_are_told(work: Attempt) -> None:
    argv = ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"]
    async with Program.running(argv, BOUNDS, 10, work) as program:
        assert await program.output.read() == b"out\n"
        assert await program.errors.read() == b"err\n"
        assert (await program.wait()).code == 7


async def test_limits_reach_the_program(work: Attempt) -> None:
    code = (
        "import resource as r;"
        "print(*(r.getrlimit(l)[0] for l in"
        " (r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_AS, r.RLIMIT_CORE)))"
    )
    async with Program.running(python(code), BOUNDS, 10, work) as program:
        assert (await program.output.read()).split() == [
            b"10",
            b"1048576",
            b"33",
            b"1073741824",
            b"0",
        ]


async def test_it_holds_the_lock_and_no_secrets(
    work: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "hush")
    async with Program.running(["/bin/sleep", "100"], BOUNDS, 10, work) as program:
        pid = program.pid
        # Not while the launcher, which becomes it, still opens and closes files of its own.
        await until(lambda: Path(f"/proc/{pid}/exe").readlink().name == "sleep")
        held = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
        assert Path(f"/proc/self/fd/{work.lock}").readlink() in held
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getpgid(pid) == pid


async def test_what_it_used_is_counted(work: Attempt) -> None:
    ballast = bytearray(64 * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])  # our own memory must not count as the child's
    code = "import time; sum(i * i for i in range(3_000_000)); print(flush=True); time.sleep(3)"
    async with Program.running(python(code), BOUNDS, 10, work) as program:
        await program.output.read(1)
        program.measure()
        await program.wait()
    assert 0.05 < work.spent.cpu_seconds < 5
    assert 2**20 < work.spent.peak_memory_bytes < len(ballast)


async def test_the_whole_group_is_dead_when_the_block_ends(work: Attempt) -> None:
    argv = ["/bin/sh", "-c", "sleep 100 & echo $!; wait"]
    async with Program.running(argv, BOUNDS, 10, work) as program:
        grandchild = int(await program.output.readline())
        child = program.pid
        assert alive(child)
        assert alive(grandchild)
    assert not alive(child)
    await until(lambda: not alive(grandchild) or is_zombie(grandchild))


async def test_cancelling_twice_still_reaps(work: Attempt) -> None:
    started = asyncio.Event()
    pids = []

    async def run() -> None:
        async with Program.running(["/bin/sleep", "100"], BOUNDS, 10, work) as program:
            pids.append(program.pid)
            started.set()
            await program.wait()

    running = asyncio.create_task(run())
    await started.wait()
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not alive(pids[0])


async def test_too_much_cpu_time_ends_it(work: Attempt) -> None:
    async with Program.running(python("while True: pass"), BOUNDS, 1, work) as program:
        assert (await program.wait()).code in {-signal.SIGXCPU, -signal.SIGKILL}


async def test_a_file_too_large_ends_it(work: Attempt) -> None:
    target = work.directory / "large"
    argv = ["/bin/dd", "if=/dev/zero", f"of={target}", "bs=1M", "count=3"]
    async with Program.running(argv, BOUNDS, 10, work) as program:
        assert (await program.wait()).code == -signal.SIGXFSZ
    assert target.stat().st_size <= BOUNDS.file_bytes


async def test_a_program_that_cannot_be_started_is_told(work: Attempt) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(EngineUnavailable, match="No process could be started"):
            async with Program.running(["/bin/true"], BOUNDS, 10, work):
                pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_it_dies_with_the_service() -> None:
    code = (
        "import os, subprocess, sys, time;"
        f"child = subprocess.Popen([sys.executable, '-I', '-S', {launch.__file__!r}, str(os.getpid()),"
        " '', '0', '10', '1000', '32', '1000000000', '/bin/sleep', '100'], start_new_session=True);"
        "print(child.pid, flush=True); time.sleep(100)"
    )
    service = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert service.stdout is not None
    with service, service.stdout as output:
        child = int(output.readline())
        _until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0])
        service.kill()
        service.wait()
        _until(lambda: not alive(child) or "Z" in Path(f"/proc/{child}/stat").read_text())


def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("not within five seconds")
