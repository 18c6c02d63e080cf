"""Processes that stand still are told from those that work, however slowly. With real ones."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.process import watchdog
from services.process.watchdog import Signs, signs, watched
from shared.errors import EngineUnavailable
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

STALL_SECONDS = 0.5
SEVERAL_TIMES = 4 * STALL_SECONDS
SLEEPING = ("/bin/sleep", "100")

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program in a group of its own, which is dead at the end."""
    started = []

    def begin(*argv: str) -> "subprocess.Popen[bytes]":
        started.append(
            subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        )
        return started[-1]

    yield begin
    for program in started:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def is_given_up(group: int, *, within: float = 30.0) -> bool:
    """Whether the group is found to stand still in that time."""
    try:
        async with watched(group, STALL_SECONDS, "The program"):
            await asyncio.sleep(within)
    except EngineUnavailable as error:
        return str(error) == "The program stood still for 0.5 seconds (PROCESS_STALL_SECONDS)."
    return False


async def test_one_that_sleeps_is_given_up(start: Start) -> None:
    assert await is_given_up(start(*SLEEPING).pid)


async def test_one_that_only_tells_that_it_is_nowhere_further_is_given_up(start: Start) -> None:
    """As ffmpeg does that waits for itself: its first thread goes on telling the same."""
    code = "import time\nwhile True: print('out_time=3', flush=True); time.sleep(0.2)"
    program = start(*python(code))
    assert program.stdout is not None
    program.stdout.readline()  # it has begun, which takes CPU time
    assert await is_given_up(program.pid)


async def test_one_that_computes_lives(start: Start) -> None:
    program = start(*python("while True: pass"))
    assert not await is_given_up(program.pid, within=SEVERAL_TIMES)


async def test_one_that_is_read_for_slowly_lives(start: Start) -> None:
    """A slow disk: hardly any CPU time, but bytes come."""
    program = start("/bin/cat")
    assert program.stdin is not None

    async def feed() -> None:
        while True:
            os.write(program.stdin.fileno(), b"x")  # type: ignore[union-attr]
            await asyncio.sleep(0.01)

    feeding = asyncio.create_task(feed())
    assert not await is_given_up(program.pid, within=SEVERAL_TIMES)
    feeding.cancel()
    assert await is_given_up(program.pid)


async def test_one_whose_child_works_lives(start: Start) -> None:
    """`FFMPEG` may name a script that starts the real one."""
    program = start("/bin/sh", "-c", "while :; do :; done & wait")
    assert not await is_given_up(program.pid, within=SEVERAL_TIMES)


async def test_one_that_somebody_stopped_lives(start: Start) -> None:
    program = start(*SLEEPING)
    os.killpg(program.pid, signal.SIGSTOP)
    assert not await is_given_up(program.pid, within=SEVERAL_TIMES)
    os.killpg(program.pid, signal.SIGCONT)
    assert await is_given_up(program.pid)


async def test_one_that_would_run_but_gets_no_core_is_not_idle(start: Start) -> None:
    program = start(*python("while True: pass"))

    def runs() -> bool:
        found = signs(program.pid)
        return found is not None and not found.idle

    await until(runs)


async def test_one_that_ended_is_none_that_stands_still(start: Start) -> None:
    ended = start("/bin/true")
    ended.wait()
    assert signs(ended.pid) is None
    assert not await is_given_up(ended.pid, within=SEVERAL_TIMES)


async def test_other_errors_go_through(start: Start) -> None:
    group = start(*SLEEPING).pid
    with pytest.raises(TimeoutError):
        async with watched(group, 100, "The program"), asyncio.timeout(0.01):
            await asyncio.sleep(10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), watched(group, 100, "The program"):
            await asyncio.sleep(10)


# As it is told of one that ends meanwhile, or by a system that tells less.
@pytest.mark.parametrize("told", ["", "rchar:", "rchar: ?", "wchar: 5", "rchar"])
def test_bytes_that_are_not_told_count_as_none(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_PROC", tmp_path)
    process(tmp_path, 7, "S", told)
    assert signs(7) == Signs(idle=True, cpu_seconds=0.0, read_bytes=0)
    process(tmp_path, 8, "S", "rchar: 9")
    assert signs(7) == Signs(idle=True, cpu_seconds=0.0, read_bytes=9)


@pytest.mark.parametrize("told", ["", "8 (a", "8 (a) S", "8 (a) S 1 ?"])
def test_a_process_of_which_nothing_whole_is_told_is_none(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_PROC", tmp_path)
    process(tmp_path, 7, "S", "rchar: 9")
    process(tmp_path, 8, "S", "rchar: 9")
    (tmp_path / "8" / "stat").write_text(told)
    assert signs(7) == Signs(idle=True, cpu_seconds=0.0, read_bytes=9)


def test_a_thread_that_tells_no_state_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_PROC", tmp_path)
    process(tmp_path, 7, "R", "rchar: 9")
    thread = tmp_path / "7" / "task" / "70"
    thread.mkdir()
    (thread / "stat").write_text("")
    assert signs(7) == Signs(idle=False, cpu_seconds=0.0, read_bytes=9)


def process(proc: Path, pid: int, state: str, io: str) -> None:
    """What /proc tells of a process of group 7 with one thread."""
    stat = f"{pid} (a name) {state} 1 7 " + " ".join("0" * 47)
    folder = proc / str(pid)
    (folder / "task" / str(pid)).mkdir(parents=True)
    (folder / "stat").write_text(stat)
    (folder / "task" / str(pid) / "stat").write_text(stat)
    (folder / "io").write_text(io)


async def test_a_look_that_fails_is_told_and_others_follow(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [RuntimeError("unforeseen")]

    def fails_once(group: int) -> Signs | None:
        if failures:
            raise failures.pop()
        return signs(group)

    monkeypatch.setattr(watchdog, "signs", fails_once)
    with capture_logs() as lines:
        assert await is_given_up(start(*SLEEPING).pid)
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("watchdog", "error")
    assert "unforeseen" in line["error"]


@pytest.mark.parametrize(
    ("now", "still"),
    [
        (Signs(idle=True, cpu_seconds=7.0, read_bytes=9), True),
        (Signs(idle=True, cpu_seconds=7.2, read_bytes=9), True),
        (Signs(idle=True, cpu_seconds=7.4, read_bytes=9), False),
        (Signs(idle=True, cpu_seconds=3.0, read_bytes=9), False),  # one of several has ended
        (Signs(idle=True, cpu_seconds=7.0, read_bytes=10), False),
        (Signs(idle=False, cpu_seconds=7.0, read_bytes=9), False),
    ],
)
def test_a_hundredth_of_a_core_is_no_work(now: Signs, still: bool) -> None:
    before = Signs(idle=True, cpu_seconds=7.0, read_bytes=9)
    assert now.stood_still(before, 30.0) is still
