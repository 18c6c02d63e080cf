"""Become another program, but confined, and dead as soon as the parent is.

Run as a file by an isolated interpreter (`python -I -S launch.py PARENT FILTER NICENESS
CPU_SECONDS FILE_BYTES OPEN_FILES MEMORY_BYTES PROGRAM ARGUMENT…`), so it imports nothing of
Millrace, and gets the filter of system calls in hexadecimal digits from its parent.

Setting these between fork and exec (`preexec_fn`) would run Python in the copy of a process
with threads, where any lock may be held for ever. Here there is one thread, and the process
id stays the same from start to end.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
_INSTRUCTION_BYTES = 8
_LIMITS = (
    resource.RLIMIT_CPU,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_AS,
)


def main() -> None:
    """Do what the arguments say."""
    die_with(int(sys.argv[1]))
    filter_calls(bytes.fromhex(sys.argv[2]))
    niceness, *limits = map(int, sys.argv[3:8])
    os.nice(niceness)
    for what, most in zip(_LIMITS, limits, strict=True):
        limit(what, most)
    limit(resource.RLIMIT_CORE, 0)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    os.execv(sys.argv[8], sys.argv[8:])  # noqa: S606 - no shell is wanted


def die_with(parent: int) -> None:
    """Be killed when the parent dies, and at once if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()


def filter_calls(program: bytes) -> None:
    """Put this thread, and all that it starts from now on, under a filter of system calls.

    Args:
        program: see `seccomp`; nothing is filtered where it is empty.

    Raises:
        OSError: the kernel refused.
    """
    if not program:
        return
    code = ctypes.create_string_buffer(program, len(program))
    sized = struct.pack("@HP", len(program) // _INSTRUCTION_BYTES, ctypes.addressof(code))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, None)
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, sized)


def limit(what: int, most: int) -> None:
    """Let the system grant no more of `what`, nor more than it granted before."""
    _, hard = resource.getrlimit(what)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(OSError, ValueError):  # the system knows no such limit (macOS and RLIMIT_AS)
        resource.setrlimit(what, (allowed, allowed))


def _prctl(option: int, value: int, argument: bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, argument, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main()
