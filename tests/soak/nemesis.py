"""Whoever kills, cuts, freezes and restarts, at random from a seed."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import psutil

from tests.proxy import Cable
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.soak.fleet import Fleet, Member

# A connection whose other end says nothing for two heartbeats is taken for lost.
_BEYOND_HEARTBEATS_SECONDS = 50.0


class Nemesis:
    """Does one thing after the other, until it is stopped; then all is as it was.

    Attributes:
        done: how often each thing was done.
    """

    def __init__(
        self,
        fleet: Fleet,
        node: PrivateRabbitMQ,
        cables: Sequence[Cable],
        storage_cable: Cable,
        dice: random.Random,
        calm_seconds: float,
    ) -> None:
        self._fleet = fleet
        self._node = node
        self._cables = cables
        self._storage_cable = storage_cable
        self._dice = dice
        self._calm_seconds = calm_seconds
        self.done: Counter[str] = Counter()
        self._under_way: asyncio.Future[None] | None = None

    async def rage(self) -> None:
        """One fault after the other, for ever. Each has ended when the next comes."""
        names = list(FAULTS)
        weights = [FAULTS[name][0] for name in names]
        while True:
            await asyncio.sleep(self._dice.expovariate(1 / self._calm_seconds))
            (name,) = self._dice.choices(names, weights)
            self.done[name] += 1
            self._under_way = asyncio.ensure_future(FAULTS[name][1](self))
            # Half a fault would be none that can be made good.
            await asyncio.shield(self._under_way)

    async def make_good(self) -> None:
        """Everything runs, and is connected."""
        if self._under_way is not None:
            await self._under_way
        for member in self._fleet.members:
            self._fleet.thaw(member)
            if not member.sought:
                self._fleet.start(member)
        for line in (*self._cables, self._storage_cable):
            line.mend()

    def _mortal(self) -> Member:
        return self._dice.choice([one for one in self._fleet.members if not one.veteran])

    # ── services ─────────────────────────────────────────────────────────────────────────

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def drain(self) -> None:
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        member, pause = self._mortal(), self._dice.choice((0.0, 0.0, 1.0, 4.0))
        code = await asyncio.to_thread(self._fleet.end, member, how)
        if how == signal.SIGTERM and code != 0:
            self._fleet.fallen.append(f"{member.name} ended with {code} when it was asked to")
        await asyncio.sleep(pause)
        self._fleet.start(member)

    async def freeze(self) -> None:
        """A zombie: it lives, holds its locks, and does not notice that it has lost its work."""
        member, long = self._dice.choice(self._fleet.members), self._dice.random() < 0.2
        self._fleet.freeze(member)
        await asyncio.sleep(_BEYOND_HEARTBEATS_SECONDS if long else self._dice.uniform(0.5, 5))
        self._fleet.thaw(member)

    async def kill_child(self) -> None:
        """A decoder or an encoder dies."""
        (*several,) = (one for one in self._fleet.members if one.stage == "process")
        with suppress(psutil.Error, IndexError):
            children = psutil.Process(self._dice.choice(several).pid).children(recursive=True)
            os.kill(self._dice.choice(children).pid, signal.SIGKILL)

    # ── connections ──────────────────────────────────────────────────────────────────────

    async def cut(self) -> None:
        self._dice.choice(self._cables).cut()

    async def reset(self) -> None:
        self._dice.choice(self._cables).reset()

    async def unplug(self) -> None:
        line = self._dice.choice(self._cables)
        line.break_off()
        await asyncio.sleep(self._dice.uniform(0.5, 6))
        line.mend()

    async def stall(self) -> None:
        line, long = self._dice.choice(self._cables), self._dice.random() < 0.2
        line.stall()
        await asyncio.sleep(_BEYOND_HEARTBEATS_SECONDS if long else self._dice.uniform(0.5, 5))
        line.mend()

    async def cut_storage(self) -> None:
        self._storage_cable.reset()

    # ── the broker ───────────────────────────────────────────────────────────────────────

    async def restart_broker(self) -> None:
        await asyncio.to_thread(self._node.restart)

    async def kill_broker(self) -> None:
        await asyncio.to_thread(self._node.kill)
        await asyncio.sleep(self._dice.uniform(0, 3))
        await asyncio.to_thread(self._node.start)


Fault = Callable[[Nemesis], Awaitable[None]]
# How often each comes, of a hundred.
FAULTS: dict[str, tuple[int, Fault]] = {
    "service killed": (28, Nemesis.kill),
    "service drained": (10, Nemesis.drain),
    "service frozen": (8, Nemesis.freeze),
    "child killed": (8, Nemesis.kill_child),
    "connections cut": (14, Nemesis.cut),
    "connections reset": (10, Nemesis.reset),
    "connections stalled": (6, Nemesis.stall),
    "broker out of reach": (6, Nemesis.unplug),
    "storage connections reset": (6, Nemesis.cut_storage),
    "broker restarted": (2, Nemesis.restart_broker),
    "broker killed": (2, Nemesis.kill_broker),
}
