"""One external program, run in a process group of its own: killed and reaped in any case."""

import asyncio
import math
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.process import launch
from services.process.child import Bounds
from services.process.children import in_any_case
from services.process.seccomp import local_filter
from shared.errors import EngineUnavailable
from shared.work import Spent, Work

# No credentials, and no FFREPORT; which GPU is meant, and what drives it.
_KEPT_VARIABLES = (
    *("CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"),
    *("LD_LIBRARY_PATH", "LIBVA_DRIVER_NAME", "PATH"),
)
# A statically linked glibc of another version crashes when it loads this machine's converters of
# character sets, as ffmpeg does for the names in MPEG-TS; it does without where it finds none.
_NO_CONVERTERS = {"GCONV_PATH": os.devnull}
_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended.

    Attributes:
        code: its exit code; negative: the signal that killed it.
        cpu_seconds: user and system time of all its threads.
        peak_memory_bytes: its highest resident memory; 0 where it ended before it was measured.
    """

    code: int
    cpu_seconds: float
    peak_memory_bytes: int


class Program:
    """A running program.

    Attributes:
        pid: its process id, which is its group's as well.
        output, errors: what it writes to its standard output and error.
        ended: how it ended, once it is reaped.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", spent: Spent) -> None:
        self._process = process
        self._spent = spent
        self.pid = process.pid
        self._pipes: list[asyncio.BaseTransport] = []
        self._peak_memory_bytes = 0
        self.output = asyncio.StreamReader()
        self.errors = asyncio.StreamReader()
        self.ended: Ended | None = None

    @classmethod
    @asynccontextmanager
    async def running(
        cls, argv: Sequence[str], bounds: Bounds, cpu_seconds: float, work: Work
    ) -> "AsyncIterator[Program]":
        """`argv` as a running program; at the end of the block it is dead, whatever happened.

        It begins in the attempt's directory. It holds the job's lock as long as it lives, and
        what it used is counted at its end.

        Args:
            cpu_seconds: after so much time of all its threads, the system kills it.

        Raises:
            EngineUnavailable: it could not be started.
        """
        program = cls(_started(confined(argv, bounds, cpu_seconds), work), work.spent)
        try:
            # Not to be cancelled half way: a pipe would stay open, or be closed twice.
            await in_any_case(program._connect())
            yield program
        finally:
            await in_any_case(program._close())

    async def wait(self) -> Ended:
        """Wait for its end."""
        while (ended := self.ended or self._reaped()) is None:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        return ended

    def measure(self) -> None:
        """Note its highest memory so far, which the system tells only of the living.

        `ru_maxrss` knows it too, but begins with the memory of the process that forked.
        """
        with suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    self._peak_memory_bytes = int(line.split()[1]) * 1024

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        for reader, pipe in (
            (self.output, self._process.stdout),
            (self.errors, self._process.stderr),
        ):
            transport, _ = await loop.connect_read_pipe(
                partial(asyncio.StreamReaderProtocol, reader), pipe
            )
            self._pipes.append(transport)

    async def _close(self) -> None:
        """Kill it with all its group; return when it is dead."""
        if self.ended is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        await self.wait()
        for pipe in self._pipes:
            pipe.close()

    def _reaped(self) -> Ended | None:
        """Reap and count it if it is dead.

        Nothing else reaps it, so until then its id cannot be another's.
        """
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.ended = Ended(
            self._process.returncode,
            usage.ru_utime + usage.ru_stime,
            # Not ru_maxrss: what starts by vfork begins with its parent's.
            self._peak_memory_bytes,
        )
        self._spent.child(self.ended.cpu_seconds, self.ended.peak_memory_bytes)
        return self.ended


def confined(argv: Sequence[str], bounds: Bounds, cpu_seconds: float) -> tuple[str, ...]:
    """The command that runs `argv` within bounds, under the filter of system calls."""
    limits = (
        bounds.niceness,
        math.ceil(cpu_seconds),
        bounds.file_bytes,
        bounds.open_files,
        bounds.memory_bytes,
    )
    launcher = (sys.executable, "-I", "-S", launch.__file__)
    return (*launcher, str(os.getpid()), local_filter().hex(), *map(str, limits), *argv)


def environment() -> dict[str, str]:
    """What a program may know."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | _NO_CONVERTERS


def _started(argv: Sequence[str], work: Work) -> "subprocess.Popen[bytes]":
    """The process; not asyncio's kind, which asyncio reaps, and their resource usage is lost."""
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=work.directory,
            env=environment(),
            pass_fds=(work.lock,),
            start_new_session=True,
        )
    except OSError as error:
        raise EngineUnavailable(f"No process could be started: {error}") from error
