"""Simulated processes, each with an event loop of its own, on one virtual clock.

A process runs in a greenlet, so that it can be left in the middle of any operation, also of one
that is not awaited, while others go on: what preemptive processes do to each other.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

# Seconds since the epoch at which every simulation begins.
BEGINNING = 2_000_000_000.0
MOST_STEPS = 400_000


class Crashed(BaseException):
    """The process died at this very operation: nothing of it executes any more."""


class Endless(Exception):
    """The simulated world does not come to rest."""


class Scheduler:
    """Decides by the seed who goes on, and moves the clock when nobody can.

    Attributes:
        now: seconds since the epoch, by a clock that is right.
        current: the process that runs, None between two.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = BEGINNING
        self.current: Process | None = None
        self.numbers = itertools.count(1)
        self.main = getcurrent()
        self._ready: list[Process] = []
        self._timers: list[tuple[float, int, Process, Handle | None]] = []
        self._steps = 0

    def run(self, done: Callable[[], bool], limit_seconds: float) -> bool:
        """Let the world go on until `done`, which is asked whenever nobody has anything to do.

        Returns:
            whether it was done within the time.
        """
        end = self.now + limit_seconds
        while True:
            while self._ready:
                self._step(self._pick())
            if done():
                return True
            if not self._timers or self._timers[0][0] > end:
                self.now = end
                return False
            self._advance()

    def begin_anew(self) -> None:
        """Allow as many steps again."""
        self._steps = 0

    def enqueue(self, process: "Process") -> None:
        """The process can go on."""
        if not process.queued:
            process.queued = True
            self._ready.append(process)

    def at(self, when: float, process: "Process", handle: "Handle | None") -> None:
        """Let the process go on at `when`, with `handle` or where it was left."""
        heapq.heappush(self._timers, (when, next(self.numbers), process, handle))

    def _pick(self) -> "Process":
        ready = self._ready
        index = int(self.random.random() * len(ready))
        ready[index], ready[-1] = ready[-1], ready[index]
        return ready.pop()

    def _step(self, process: "Process") -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Endless(f"after {MOST_STEPS} steps there is still something to do")
        process.queued = False
        self.current = process
        process.go_on()
        self.current = None

    def _advance(self) -> None:
        self.now = self._timers[0][0]
        while self._timers and self._timers[0][0] <= self.now:
            _, _, process, handle = heapq.heappop(self._timers)
            process.wake(handle)


class Process:
    """One simulated process.

    Attributes:
        skew_seconds: how much its wall clock is wrong.
        midway: whether it was left in the middle of an operation.
        at_death: what follows at once when it dies.
    """

    def __init__(self, scheduler: Scheduler, name: str, skew_seconds: float = 0.0) -> None:
        self.name = name
        self.skew_seconds = skew_seconds
        self.alive = True
        self.queued = False
        self.midway = False
        self.at_death: list[Callable[[], None]] = []
        self.scheduler = scheduler
        self.loop = Loop(self)
        self._stalled = False
        self._life = greenlet(self._live, parent=scheduler.main)

    def start(self, main: Coroutine[Any, Any, None]) -> None:
        """Begin to live with `main`."""
        self.loop.create_task(main)

    def kill(self) -> None:
        """Die, here and now; never seen again."""
        if self.alive:
            self.alive = False
            self.scheduler.enqueue(self)
            for consequence in self.at_death:
                consequence()

    def pause(self) -> None:
        """Let others go on first, in the middle of whatever this process does."""
        self.scheduler.enqueue(self)
        self._leave()

    def stall(self, seconds: float) -> None:
        """Stand still for so long, as a stopped process does."""
        self._stalled = True
        self.scheduler.at(self.scheduler.now + seconds, self, None)
        self._leave()

    def _leave(self) -> None:
        task = asyncio.current_task(self.loop)
        if task is not None:
            asyncio.tasks._leave_task(self.loop, task)
        self.midway = True
        self.scheduler.main.switch()
        self.midway = False
        if task is not None:
            asyncio.tasks._enter_task(self.loop, task)
        if not self.alive:
            raise Crashed

    @property
    def inside(self) -> bool:
        """Whether it is this process that runs right now, not another in its name."""
        return getcurrent() is self._life

    def go_on(self) -> None:
        """Run until there is nothing to do, or it is left. A dead one unwinds."""
        if self._life.dead:
            return
        if not self.alive or (not self._stalled and (self.midway or self.loop.ready)):
            asyncio._set_running_loop(self.loop)
            self._life.switch()
            asyncio._set_running_loop(None)

    def wake(self, handle: "Handle | None") -> None:
        """A timer is due."""
        if handle is None:
            self._stalled = False
        elif self.alive and not handle.cancelled:
            self.loop.ready.append(handle)
        else:
            return
        self.scheduler.enqueue(self)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Run what follows on this process's loop."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self.loop)
        try:
            yield
        finally:
            asyncio._set_running_loop(before)

    def bury(self) -> None:
        """Let go of what the dead process has left half done."""
        for task in self.loop.tasks:
            # Their `finally` clauses find every seam dead.
            with suppress(Crashed, Exception):
                task.get_coro().close()
        self.loop.tasks.clear()
        self.loop.ready.clear()

    def _live(self) -> None:
        while self.alive:
            self.loop.turn()
            self.scheduler.main.switch()


class Handle:
    """A callback that is to be called, soon or at a time."""

    __slots__ = ("_arguments", "_callback", "_context", "_when", "cancelled")

    def __init__(
        self,
        when: float,
        callback: Callable[..., Any],
        arguments: tuple[Any, ...],
        context: Context | None,
    ) -> None:
        self._when = when
        self._callback = callback
        self._arguments = arguments
        self._context = context or copy_context()
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def when(self) -> float:
        return self._when

    def run(self) -> None:
        """Call it. The exceptions of what a crash left alone concern nobody."""
        with suppress(Exception, Crashed):
            self._context.run(self._callback, *self._arguments)


# Of all that a loop must have, tasks, futures and timers need little.
PartOfLoop: Any = asyncio.AbstractEventLoop


class Loop(PartOfLoop):  # type: ignore[misc]
    """As much of an event loop as tasks, futures and timers need; it has no order of its own."""

    def __init__(self, process: Process) -> None:
        self.ready: list[Handle] = []
        self.tasks: list[Task] = []
        self._process = process
        self._scheduler = process.scheduler

    def turn(self) -> None:
        """Run everything that is ready, in an order that the seed decides."""
        ready, random = self.ready, self._scheduler.random.random
        while ready and self._process.alive:
            index = int(random() * len(ready)) if len(ready) > 1 else 0
            handle = ready.pop(index)
            if not handle.cancelled:
                handle.run()

    def time(self) -> float:
        return self._scheduler.now

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(0.0, callback, args, context)
        if self._process.alive:
            self.ready.append(handle)
            self._scheduler.enqueue(self._process)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        timer = Handle(when, callback, args, context)
        self._scheduler.at(when, self._process, timer)
        return timer

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> "Task":
        task = Task(coro, loop=self, name=name, context=context)
        self.tasks.append(task)
        return task

    def run_in_executor(
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """A thread's work is done in one turn: other processes come in between all the same."""
        future = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:
                future.set_exception(error)
            else:
                if not future.cancelled():
                    future.set_result(result)

        self.call_soon(work)
        return future

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """The exceptions of tasks that a crash left alone; the consumer's own do not come here."""


class Task(asyncio.Task[Any]):
    """A task with a number for its hash: sets of tasks have the same order in every replay."""

    number: int

    def __new__(cls, coro: Any, *, loop: Loop, **more: Any) -> "Task":
        task: Task = super().__new__(cls, coro, loop=loop, **more)  # type: ignore[call-arg]
        task.number = next(loop._scheduler.numbers)
        return task

    def __init__(self, coro: Any, *, loop: Loop, **more: Any) -> None:
        super().__init__(coro, loop=loop, **more)
        self._log_destroy_pending = False

    def __hash__(self) -> int:
        return self.number
