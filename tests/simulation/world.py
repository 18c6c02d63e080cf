"""One simulated world: clock, broker, storage, disk; and the record of what happened in it."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from shared.broker.base import DEFAULT_EXCHANGE, Message
from shared.broker.memory import MemoryBroker
from shared.broker.topology import Lane
from shared.storage.memory import MemoryStorage
from tests.simulation.faults import Faults
from tests.simulation.promises import Promises
from tests.simulation.virtual import Crashed, Process, Scheduler
from tests.simulation.volume import Volume

LANE = Lane(prefix="lane", retry_delays={"short": 5, "middle": 10, "long": 30})
ROOT = "/lane"


class World:
    """What all processes of one simulation share.

    Attributes:
        trace: what happened, line by line, where it was asked for.
        sent: messages that stages' queues took, for duplicates.
        full: whether the disk is full right now.
        sweep: starts a sweep, unless one is under way; whether it did.
    """

    def __init__(self, seed: int, *, trace: bool = False) -> None:
        self.random = Random(seed)
        self.scheduler = Scheduler(self.random)
        self.faults = Faults(self.random)
        self.storage = MemoryStorage()
        self.volume = Volume(ROOT, lambda: self.scheduler.now)
        self.promises = Promises(self.volume, self.storage, self.scheduler)
        self.sent: list[tuple[Message, str]] = []
        self.full = False
        self.sweep: Callable[[], bool] = lambda: False
        self.trace: list[str] | None = [] if trace else None
        self._processes: list[Process] = []
        self._machine = self.process("machine")
        self.broker = self._declared()

    @property
    def now(self) -> float:
        """Seconds since the epoch by the volume's clock."""
        return self.scheduler.now

    def process(self, name: str) -> Process:
        """A new process, whose wall clock may be wrong."""
        wrong = name != "machine" and self.random.random() < 0.2
        process = Process(self.scheduler, name, self.random.choice((-3600, 3600)) if wrong else 0)
        if wrong:
            self.faults.saw("clock an hour wrong")
        self._processes.append(process)
        return process

    def note(self, process: Process, what: str, of: object = "") -> None:
        """Write down a step, where somebody wants to read it."""
        if self.trace is not None:
            self.trace.append(f"{self.scheduler.now - 2e9:.6f} {process.name} {what} {of}")

    def crash(self, process: Process) -> None:
        """Let the process die at this very operation."""
        self.note(process, "CRASH")
        process.kill()
        raise Crashed

    # ── the broker's machine ─────────────────────────────────────────────────────────────

    def _declared(self) -> MemoryBroker:
        broker = MemoryBroker()
        self.at_broker(broker.declare(LANE.topology))
        return broker

    def at_broker(self, call: Coroutine[Any, Any, Any]) -> Any:
        """What the broker does at once, done on its own loop."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self._machine.loop)
        try:
            call.send(None)
        except StopIteration as done:
            return done.value
        finally:
            asyncio._set_running_loop(before)
        raise AssertionError("the broker in memory waits for nothing")

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen that no process has in its hands any more."""
        self._machine.loop.call_later(seconds, action)

    def route(self, message: Message, key: str, exchange: str = DEFAULT_EXCHANGE) -> None:
        """The broker takes a message and keeps it."""
        self.promises.published(message, key, exchange)
        self.at_broker(self.broker.publish(message, key, exchange))
        if exchange == DEFAULT_EXCHANGE and LANE.stage(key):
            self._echo(message)
            self.sent.append((message, key))

    def _echo(self, message: Message) -> None:
        """An earlier message of the same job comes again, just now."""
        if not self.faults.strikes("duplicate at the moment of a hand-over"):
            return
        same = [one for one in self.sent if one[0].correlation_id == message.correlation_id]
        if same:
            again, key = self.random.choice(same)
            call = self.broker.publish(again, key)
            self.later(self.random.random() * 0.05, lambda: self.at_broker(call))

    @property
    def resting(self) -> bool:
        """Whether no stage has anything to do, now or after a delay."""
        idle = (LANE.dead, LANE.updates)
        return not any(
            queue.ready or any(one._unsettled for one in queue.subscriptions)
            for name, queue in self.broker._queues.items()
            if name not in idle
        )

    def end(self) -> None:
        """Let every process die, so that nothing of this world goes on."""
        for process in self._processes:
            process.kill()
        self.scheduler.begin_anew()
        self.scheduler.run(lambda: True, 0)
        for process in self._processes:
            process.bury()


async def moment(random: Random, seconds: float) -> None:
    """Wait up to `seconds`."""
    await asyncio.sleep(random.random() * seconds)
