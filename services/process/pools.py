"""Kept, warm child processes that do the work on pixels, one call at a time each.

Each child hangs on a socket pair of its own, so that killing one harms no other, and
the job's lock can be handed over with the call. None is forked from this process's
memory: a child starts as a fresh interpreter, with few environment variables (no
credentials), a process group of its own, limits on its resources, and dies with its parent.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any, Protocol, Self, TypeVar

from services.process.child import Answer, Bounds
from services.process.children import Child
from services.process.idle import Board
from shared.errors import EngineUnavailable, MillraceError
from shared.work import Work

T = TypeVar("T")

CALLS_PER_CHILD = 1000  # then a new child takes its place, against leaks in codecs


class Companion(Protocol):
    """Another process that each child has a line to.

    Attributes:
        generation: counts the processes that there were; a child's line leads to one of them.
    """

    generation: int

    def line(self) -> socket.socket | None:
        """The end of a new line, for a child; None where there is no process."""
        ...


class Pool:
    """A fixed number of children.

    Attributes:
        size: how many calls can run at the same time.
        fault: why the last child could not be started; None when all is well.
    """

    def __init__(
        self,
        size: int,
        bounds: Bounds,
        warm: Callable[..., object],
        companion: Companion | None = None,
    ) -> None:
        self.size = size
        self.fault: str | None = None
        self._bounds = bounds
        self._warm = warm
        self._companion = companion
        self._board = Board()
        self._slots = [_Slot(self._start, self._generation) for _ in range(size)]
        self._idle: asyncio.LifoQueue[_Slot] = asyncio.LifoQueue()
        self._warming: set[asyncio.Task[None]] = set()
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        size: int,
        bounds: Bounds,
        warm: Callable[..., object],
        companion: Companion | None = None,
    ) -> AsyncIterator[Self]:
        """A pool whose children start in the background, and are dead at the end.

        Args:
            warm: runs in every child at its start: it imports what calls will need. Where there
                is a companion, it is given the descriptor of the child's line.
        """
        pool = cls(size, bounds, warm, companion)
        try:
            for slot in pool._slots:
                pool._give_back(slot)
            yield pool
        finally:
            await pool._close()

    @property
    def healthy(self) -> bool:
        """Whether children can be started; if not, `fault` says why."""
        return self.fault is None

    @property
    def idle(self) -> int:
        """How many children have nothing to do."""
        return self._idle.qsize()

    async def call(
        self,
        function: Callable[..., T],
        *arguments: object,
        seconds: float,
        work: Work,
        threads: int = 1,
    ) -> T:
        """`function(*arguments)`, run by a child that holds the job's lock meanwhile.

        Function, arguments and result are pickled. When this is cancelled, the child is dead
        before it returns.

        Args:
            threads: the most that `function` keeps busy, as `idle.threads` tells it; it may use
                `seconds` of CPU time on each.

        Raises:
            TimeLimit: it took longer than `seconds`, counted from when a child was free.
            CorruptMedia: the child crashed.
            EngineUnavailable: the child was killed, could not be started, or `function` raised an
                error of another library; or the pool is closed. A `MillraceError` is raised here
                as it was there.
        """
        slot = await self._idle.get()
        try:
            if self._closed:
                raise EngineUnavailable("No process is started any more: the service ends.")
            self._board.write(self.idle)
            answer = await slot.call(function, arguments, seconds, work.lock, threads)
        finally:
            self._give_back(slot)
        work.spent.child(answer.cpu_seconds, answer.peak_memory_bytes)
        if answer.error is not None:
            raise answer.error
        result: T = answer.result
        return result

    def _generation(self) -> int:
        return self._companion.generation if self._companion else 0

    async def _start(self) -> Child:
        line = self._companion.line() if self._companion else None
        try:
            with line or nullcontext():
                child = await Child.start(self._bounds, self._warm, line, self._board)
        except MillraceError as error:
            self.fault = str(error)
            raise
        self.fault = None
        return child

    def _give_back(self, slot: "_Slot") -> None:
        """Let others have the slot; if it has no child, one starts now, but in a closed pool."""
        self._idle.put_nowait(slot)
        if self._closed:
            return
        self._board.write(self.idle)
        if slot.filled:
            return
        warming = asyncio.create_task(slot.warm())
        self._warming.add(warming)
        warming.add_done_callback(self._warming.discard)

    async def _close(self) -> None:
        self._closed = True
        for warming in self._warming:
            warming.cancel()
        await asyncio.gather(*self._warming, return_exceptions=True)
        await asyncio.gather(*(slot.close() for slot in self._slots))
        self._board.close()


class _Slot:
    """The place of one child; there is a new one where the old one died."""

    def __init__(
        self, start: Callable[[], Awaitable[Child]], generation: Callable[[], int]
    ) -> None:
        self._start = start
        self._generation = generation
        self._of_generation = generation()
        self._child: Child | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def filled(self) -> bool:
        return self._child is not None and self._child.alive

    async def call(
        self,
        function: Callable[..., object],
        arguments: Any,
        seconds: float,
        lock: int,
        threads: int,
    ) -> Answer:
        child = await self._living()
        answered = False
        try:
            answer = await child.call(function, arguments, seconds, lock, threads)
            answered = child.calls < CALLS_PER_CHILD
        finally:
            if not answered:
                await child.kill()
        return answer

    @property
    def _outdated(self) -> bool:
        """Whether the child's line leads to a companion that is gone."""
        return self._of_generation != self._generation()

    async def warm(self) -> None:
        """Have a child ready; that none can be started is told by the next call."""
        with suppress(MillraceError):
            await self._living()

    async def close(self) -> None:
        if self._child is not None:
            await self._child.kill()

    async def _living(self) -> Child:
        async with self._one_at_a_time:
            if self._child is None or not self._child.alive or self._outdated:
                await self.close()
                self._of_generation = self._generation()
                self._child = await self._start()
            return self._child
