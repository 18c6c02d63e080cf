"""The kernel's own account of what a service changed on the disk, beside its points.

A change that the account has and the points have not is one that no crash was tried at.
"""

import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.crash.nursery import ROOT, Worker
from tests.crash.points import Point
from tests.crash.worker import Order
from tests.servers.errors import ServerUnavailable
from tests.servers.install import can_install, install

# An operation and the path that it was about.
Change = tuple[str, str]

_CALLS = {
    "mkdir": "mkdir",
    "mkdirat": "mkdir",
    "rmdir": "rmdir",
    "unlink": "unlink",
    "unlinkat": "unlink",
    "link": "link",
    "linkat": "link",
    "symlink": "symlink",
    "symlinkat": "symlink",
    "rename": "rename",
    "renameat": "rename",
    "renameat2": "rename",
    "open": "open",
    "openat": "open",
    "creat": "open",
    "truncate": "truncate",
    "utimensat": "utime",
}
_ON_OPEN_FILES = {
    "write": "write",
    "pwrite64": "pwrite",
    "writev": "writev",
    "ftruncate": "ftruncate",
    "fallocate": "fallocate",
    "sendfile": "sendfile",
    "copy_file_range": "copy_file_range",
    "flock": "flock",
}
_SAME = {"remove": "unlink", "replace": "rename"}
_BIRTHS = ("clone", "clone3", "fork", "vfork")
_LINE = re.compile(r"(\w+)\((.*)\)\s+= (\d+)")
_TOKEN = re.compile(r'(?:AT_FDCWD|\d+)<([^>]*)>|"([^"]*)"')


def ensure_tracing() -> None:
    """Install `strace` where we may, and see whether it may look.

    Raises:
        ServerUnavailable: with what to do.
    """
    if shutil.which("strace") is None and can_install():
        install("strace")
    if shutil.which("strace") is None:
        raise ServerUnavailable("strace is not here: install it")
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, capture_output=True)
    if tried.returncode != 0:
        raise ServerUnavailable(f"strace may not look: {tried.stderr.decode().strip()}")


@contextmanager
def traced(output: Path) -> Iterator["Tracer"]:
    """Starts workers under `strace`; they are gone at the end of the block."""
    tracer = Tracer(output)
    try:
        yield tracer
    finally:
        tracer.close()


class Tracer:
    """One worker under `strace`."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, order: Order) -> Worker:
        """A worker that is traced; its account lies beside `output`, a file for each thread."""
        Path(order.log).unlink(missing_ok=True)
        calls = ",".join((*_CALLS, *_ON_OPEN_FILES, *_BIRTHS))
        argv = ["strace", "-D", "-ff", "-y", "-s", "0", "-o", str(self._output)]
        process = subprocess.Popen(
            [*argv, "-e", f"trace={calls}", sys.executable, *_worker(order)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._processes.append(process)
        return Worker(process.pid, order)

    def close(self) -> None:
        """End what still runs."""
        for process in self._processes:
            process.kill()
            process.wait()

    def changes(self, roots: Sequence[Path]) -> Counter[Change]:
        """What the first worker itself changed below `roots`; its children do not count."""
        first = self._processes[0].pid
        _wait_for_end(self._file(first))
        lines = [line for thread in self._threads(first) for line in self._lines(thread)]
        below = tuple(f"{root}/" for root in roots)
        found = (change for line in lines for change in _changes(line))
        return Counter(change for change in found if change[1].startswith(below))

    def _threads(self, process: int) -> list[int]:
        threads = [process]
        for thread in threads:
            for line in self._lines(thread):
                call, arguments, result = _parsed(line)
                if call in _BIRTHS and "CLONE_THREAD" in arguments:
                    threads.append(int(result))
        return threads

    def _lines(self, thread: int) -> list[str]:
        file = self._file(thread)
        return file.read_text(errors="replace").splitlines() if file.exists() else []

    def _file(self, thread: int) -> Path:
        return self._output.with_name(f"{self._output.name}.{thread}")


def changes_of(points: Iterable[Point]) -> Counter[Change]:
    """The changes that points were around."""
    done = [point.what for point in points if point.when == "after" and point.kind != "wire"]
    return Counter(_change(what) for what in done if " /" in what)


def _change(what: str) -> Change:
    name, _, paths = what.partition(" ")
    return _SAME.get(name, name), paths.rpartition(" → ")[2]


def _worker(order: Order) -> tuple[str, ...]:
    return ("-m", "tests.crash.worker", order.encode())


def _parsed(line: str) -> tuple[str, str, str]:
    found = _LINE.match(line)
    return (found[1], found[2], found[3]) if found else ("", "", "")


def _changes(line: str) -> Iterator[Change]:
    """What a successful call changed, if it is one that changes something."""
    call, arguments, _ = _parsed(line)
    tokens = _TOKEN.findall(arguments)
    if call in _ON_OPEN_FILES and tokens:
        yield _ON_OPEN_FILES[call], tokens[1 if call == "copy_file_range" else 0][0]
    elif call in _CALLS and _changing(call, arguments):
        name = "rmdir" if "AT_REMOVEDIR" in arguments else _CALLS[call]
        yield name, _last_path(tokens)


def _changing(call: str, arguments: str) -> bool:
    return _CALLS[call] != "open" or "O_CREAT" in arguments or "O_TRUNC" in arguments


def _last_path(tokens: list[tuple[str, str]]) -> str:
    folder = path = ""
    for opened, named in tokens:
        if opened:
            folder = opened
        else:
            path = str(Path(folder, named))
    return path


def _wait_for_end(account: Path) -> None:
    """The tracer writes on for a moment after the worker has ended."""
    deadline = time.monotonic() + 20
    while "+++" not in account.read_text(errors="replace")[-200:]:
        assert time.monotonic() < deadline, "strace did not finish its account"
        time.sleep(0.05)
