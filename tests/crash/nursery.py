"""Workers from the side of the test: started at once, and seen to die."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.crash.points import Point, passed
from tests.crash.worker import Order

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """A service that may be dead already."""

    def __init__(self, pid: int, order: Order) -> None:
        self.pid = pid
        self.order = order
        try:
            self._handle: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = None

    @property
    def dead(self) -> bool:
        """Whether it has ended."""
        if self._handle is not None and _ended(self._handle, 0):
            self._forget()
        return self._handle is None

    @property
    def points(self) -> list[Point]:
        """The points that it has passed so far."""
        return passed(Path(self.order.log))

    @property
    def killed_at(self) -> Point | None:
        """The point that it died at, if it did."""
        last = self.points[-1:] if self.dead else []
        return last[0] if last and last[0].number == self.order.last else None

    async def stop(self) -> None:
        """Let it end what it has in hand, and end."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        for _ in range(1000):
            if self.dead:
                break
            await asyncio.sleep(0.01)
        self.kill()

    def kill(self) -> None:
        """End it now."""
        if self._handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            _ended(self._handle, 5)
            self._forget()

    def _forget(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _ended(handle: int, seconds: float) -> bool:
    """Whether the process with this handle ends within so many seconds."""
    watch = select.poll()
    watch.register(handle, select.POLLIN)
    return bool(watch.poll(1000 * seconds))


class Nursery:
    """Forks workers from a process that has imported everything."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def start(self, order: Order) -> Worker:
        """A new worker. Its log begins anew."""
        Path(order.log).unlink(missing_ok=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order.encode() + "\n")
        self._process.stdin.flush()
        return Worker(int(self._process.stdout.readline()), order)


@contextmanager
def nursery(log: Path) -> Iterator[Nursery]:
    """One that is gone with all its workers at the end of the block.

    Args:
        log: where the workers write what they have to say.
    """
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.crash.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Nursery(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
