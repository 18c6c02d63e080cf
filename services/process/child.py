"""The inside of a child process: take a call, run it, answer, and again until the parent is gone.

A call comes as a frame (length, pickle) with the descriptor of the job's lock beside it. The
child holds that descriptor as long as the call runs, so that the job stays locked while anyone
writes into its directory, even if the parent died.
"""

import errno
import math
import os
import pickle
import re
import resource
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.process.idle import watch
from services.process.launch import die_with, filter_calls, limit
from services.process.seccomp import local_filter
from shared.errors import EngineUnavailable, MillraceError, SourceTooLarge, UnsupportedMedia

LENGTH = struct.Struct("!I")
STALL_SECONDS: float = 300
# What a decoder dies of by its own doing, and so would again. Not SIGKILL, by which the system
# makes room for others.
CRASHES = frozenset(
    {
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGSEGV,
        signal.SIGTRAP,
    }
)
_NO_MEMORY = re.compile(
    r"out of memory|insufficient memory|memory allocation|allocate memory|not enough memory",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a child is granted: by the operating system, but for the last.

    Attributes:
        memory_bytes: address space.
        file_bytes: size of any one file that it writes.
        open_files: descriptors.
        niceness: 0 to 19, added to the parent's.
        stall_seconds: how long it may stand still while it is at work.
    """

    memory_bytes: int
    file_bytes: int
    open_files: int
    niceness: int
    stall_seconds: float = STALL_SECONDS


@dataclass(frozen=True, slots=True)
class Call:
    """What the parent asks.

    Attributes:
        cpu_seconds: of all its threads together; then the operating system ends the child.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a call: a result or an error, and what it took."""

    result: Any = None
    error: MillraceError | None = None
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0


def main() -> None:
    """Serve the socket whose descriptor is the first argument.

    The second is the parent's id; a third, if there is one, the descriptor of the board of idle
    children.
    """
    descriptor, parent, *boards = map(int, sys.argv[1:])
    die_with(parent)
    for board in boards:
        watch(board)
    filter_calls(local_filter())  # before any library can start a thread that it would miss
    with socket.socket(fileno=descriptor) as link:
        while (frame := _receive(link)) is not None:
            answer = _answer(*frame)
            link.sendall(LENGTH.pack(len(answer)) + answer)


def confine(bounds: Bounds) -> None:
    """Give up, for good, what a decoder of strangers' files does not need."""
    os.nice(bounds.niceness)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, bounds.open_files),
        (resource.RLIMIT_FSIZE, bounds.file_bytes),
        (resource.RLIMIT_AS, bounds.memory_bytes),
    ):
        limit(what, most)
    _silence()


def _silence() -> None:
    """Codecs write their complaints to standard error, which is the service's log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _receive(link: socket.socket) -> tuple[bytes, int | None] | None:
    """One call and the lock that came with it; None when the parent is gone."""
    head, descriptors, _, _ = socket.recv_fds(link, LENGTH.size, 1)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = link.recv(length, socket.MSG_WAITALL)
    return (body, descriptors[0] if descriptors else None) if len(body) == length else None


def _answer(body: bytes, lock: int | None) -> bytes:
    """Run the call and let go of its lock."""
    cpu_before = time.process_time()
    _forget_peak()
    answer = _outcome(body)
    if lock is not None:
        os.close(lock)
    return pickle.dumps(
        Answer(*answer, time.process_time() - cpu_before, _peak_memory_bytes()),
        pickle.HIGHEST_PROTOCOL,
    )


def _outcome(body: bytes) -> tuple[Any, MillraceError | None]:
    try:
        call: Call = pickle.loads(body)  # noqa: S301 - the parent wrote it
        _limit_cpu(call.cpu_seconds)
        return call.function(*call.arguments), None
    except MillraceError as error:
        return None, _too_little_memory(error) or error
    except Exception as error:
        return None, _too_little_memory(error) or _other(error)


def _too_little_memory(error: Exception) -> MillraceError | None:
    """What is said where the limit on memory was met, which libraries tell in many words."""
    if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
        return UnsupportedMedia("Processing the file needs more memory than is allowed.")
    return None


def _other(error: Exception) -> MillraceError:
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return SourceTooLarge("A file made from it would be larger than allowed.")
    return EngineUnavailable(f"{type(error).__name__}: {error}")


def _limit_cpu(seconds: float) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time() + seconds) + 1
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory_bytes() -> int:
    """The highest resident memory since `_forget_peak`; of the whole life where there is no /proc."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
