"""Become another program, but confined, and dead as soon as the parent is.

Run as a file by an isolated interpreter (`python -I -S launch.py PARENT NICENESS CPU_SECONDS
FILE_BYTES OPEN_FILES MEMORY_BYTES PROGRAM ARGUMENT…`), so it imports nothing of Millrace.

Setting these between fork and exec (`preexec_fn`) would run Python in the copy of a process
with threads, where any lock may be held for ever. Here there is one thread, and the process
id stays the same from start to end.
"""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_LIMITS = (
    resource.RLIMIT_CPU,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_AS,
)


def main() -> None:
    """Do what the arguments say."""
    parent, niceness, *limits = map(int, sys.argv[1:7])
    _die_with(parent)
    os.nice(niceness)
    for what, limit in zip(_LIMITS, limits, strict=True):
        _limit(what, limit)
    _limit(resource.RLIMIT_CORE, 0)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    os.execv(sys.argv[7], sys.argv[7:])  # noqa: S606 - no shell is wanted


def _die_with(parent: int) -> None:
    """Be killed when the parent dies, and at once if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()


def _limit(what: int, limit: int) -> None:
    _, hard = resource.getrlimit(what)
    allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with suppress(OSError, ValueError):  # the system knows no such limit (macOS and RLIMIT_AS)
        resource.setrlimit(what, (allowed, allowed))


main()
