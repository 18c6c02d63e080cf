"""The parent's handle on one child process."""

import asyncio
import dataclasses
import inspect
import io
import os
import pickle
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from services.process.child import CRASHES, LENGTH, Answer, Bounds, Call, confine
from services.process.idle import Board
from services.process.watchdog import watched
from shared.errors import CorruptMedia, EngineUnavailable, MillraceError, TimeLimit

T = TypeVar("T")

START_SECONDS = 60.0
_CODE = "from services.process.child import main; main()"
_KEPT_VARIABLES = (
    *("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR"),
    *("CUDA_DEVICE_ORDER", "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES"),
)
# One thread; one heap: with more, libvips keeps twice the memory and growing. Of what is freed, glibc
# keeps so much for the next picture: having it from the system again took a tenth of all CPU time.
MODEST = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
    "OMP_NUM_THREADS": "1",
    "VIPS_CONCURRENCY": "1",
}


class Child:
    """A process that runs one call at a time.

    Attributes:
        calls: how many it has answered.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, link: socket.socket, stall_seconds: float
    ) -> None:
        self._process = process
        self._link = link
        self._stall_seconds = stall_seconds
        self._started = False
        self.calls = 0

    @classmethod
    async def start(
        cls,
        bounds: Bounds,
        warm: Callable[..., object],
        line: socket.socket | None = None,
        board: Board | None = None,
    ) -> Self:
        """A confined child that has run `warm`.

        Args:
            line: a socket that the child inherits; `warm` is given the number of its descriptor.
            board: where the child sees how many others are idle.

        Raises:
            EngineUnavailable: it could not be started.
        """
        child = await cls._launch(bounds, line, board)
        given = () if line is None else (line.fileno(),)
        try:
            for function, arguments in ((warm, given), (confine, (bounds,))):
                answer = await child.call(function, arguments, START_SECONDS)
                if answer.error is not None:
                    raise answer.error
        except BaseException:
            await child.kill()
            raise
        child._started = True
        return child

    @classmethod
    async def _launch(cls, bounds: Bounds, line: socket.socket | None, board: Board | None) -> Self:
        ours, theirs = socket.socketpair()
        seen = [] if board is None else [board.descriptor]
        inherited = [theirs.fileno(), *seen, *([] if line is None else [line.fileno()])]
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-c", _CODE),
                *map(str, (theirs.fileno(), os.getpid(), *seen)),
                pass_fds=inherited,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        except BaseException as error:
            ours.close()  # should the child live already, it ends at this
            if isinstance(error, OSError):
                raise EngineUnavailable(f"No process could be started: {error}") from error
            raise
        finally:
            theirs.close()
        return cls(process, ours, bounds.stall_seconds)

    @property
    def alive(self) -> bool:
        """Whether it can be called."""
        return self._process.returncode is None

    async def ended(self) -> None:
        """Return when it is dead, by itself or killed."""
        await self._process.wait()

    async def call(
        self,
        function: Callable[..., object],
        arguments: tuple[object, ...],
        seconds: float,
        lock: int | None = None,
        threads: int = 1,
    ) -> Answer:
        """What `function(*arguments)` gives in the child, which owns a duplicate of `lock` meanwhile.

        Whoever gives up waiting must `kill` the child.

        Args:
            threads: how many of the child may be busy all those seconds.

        Raises:
            TimeLimit: not within `seconds`.
            CorruptMedia: the child crashed.
            EngineUnavailable: it died otherwise, or stood still.
        """
        call = Call(function, arguments, seconds * threads)
        try:
            async with asyncio.timeout(seconds), self._watched(seconds):
                await self._send(pickle.dumps(call), lock)
                answer: Answer = _Answers(io.BytesIO(await self._receive())).load()
        except TimeoutError:
            raise TimeLimit(f"The work took longer than {seconds:g} seconds.") from None
        except (OSError, EOFError):
            raise await self._obituary(call.cpu_seconds) from None
        except pickle.UnpicklingError as error:
            raise EngineUnavailable(f"The answer of a child cannot be read: {error}.") from None
        self.calls += 1
        return answer

    async def kill(self) -> None:
        """End the child and what it started; return when it is dead, even if cancelled meanwhile."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        try:
            await in_any_case(self._process.wait())
        finally:
            self._link.close()

    def _watched(self, seconds: float) -> AbstractAsyncContextManager[None]:
        """Those that end before they could stand still for too long need not be watched."""
        if seconds <= self._stall_seconds:
            return nullcontext()
        return watched(
            self._process.pid, self._stall_seconds, "The process that does the media work"
        )

    async def _send(self, body: bytes, lock: int | None) -> None:
        descriptors = [] if lock is None else [lock]
        socket.send_fds(self._link, [LENGTH.pack(len(body))], descriptors)
        await asyncio.get_running_loop().sock_sendall(self._link, body)

    async def _receive(self) -> bytes:
        (length,) = LENGTH.unpack(await self._exactly(LENGTH.size))
        return await self._exactly(length)

    async def _exactly(self, size: int) -> bytes:
        loop, received = asyncio.get_running_loop(), bytearray()
        while len(received) < size:
            chunk = await loop.sock_recv(self._link, size - len(received))
            if not chunk:
                raise EOFError
            received += chunk
        return bytes(received)

    async def _obituary(self, cpu_seconds: float) -> MillraceError:
        """Why the child is dead."""
        await self.kill()
        code = self._process.returncode or 0
        if code == -signal.SIGXCPU:
            return TimeLimit(f"The work used more than {cpu_seconds:g} seconds of CPU time.")
        if self._started and -code in CRASHES:
            return CorruptMedia(f"The file made its decoder crash (signal {-code}).")
        cause = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return EngineUnavailable(f"The process that did the media work {cause}.")


class _Answers(pickle.Unpickler):
    """Reads values of ours alone: a child that a hostile file took over can call nothing here."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(("services.", "shared.")):
            found = super().find_class(module, name)
            if inspect.isclass(found) and (
                dataclasses.is_dataclass(found) or issubclass(found, MillraceError)
            ):
                return found
        raise pickle.UnpicklingError(f"an answer may not name {module}.{name}")


def _environment() -> dict[str, str]:
    """What a child may know: where to find programs and modules, and no credentials."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    modules = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    return {**kept, **MODEST, "PYTHONPATH": modules}


async def in_any_case(awaitable: Awaitable[T]) -> T:
    """Await to the end; a cancellation that comes meanwhile is passed on only then."""
    work = asyncio.ensure_future(awaitable)
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return work.result()
