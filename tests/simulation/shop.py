"""The storage as one process sees it: it fails, and what it was asked for may happen late."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast

from shared.errors import StorageUnavailable
from shared.storage.base import Intent, Journal, Owner, Stored
from shared.storage.memory import MemoryStorage, _Object
from tests.simulation.disk import Disk
from tests.simulation.virtual import Crashed, Process
from tests.simulation.world import World, moment


class OnDisk:
    """As much of a path as the storage in memory reads, on the simulated disk."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path
        self.name = path.name

    def read_bytes(self) -> bytes:
        return self._disk.read(self._path)


class Shop:
    """`MemoryStorage`, far away."""

    def __init__(self, world: World, process: Process, disk: Disk) -> None:
        self._world = world
        self._process = process
        self._disk = disk
        self._storage: MemoryStorage = world.storage
        self._faults = world.faults

    async def put(
        self,
        key: str,
        source: Path,
        *,
        media_type: str,
        sha256: str,
        owner: Owner,
        journal: Journal,
        overwrite: bool = False,
    ) -> None:
        # Before anything is known of what is there, as the real one does.
        journal(Intent(key=key))

        async def store() -> None:
            before = self._storage._objects.get(key)
            await self._storage.put(
                key,
                cast(Path, OnDisk(self._disk, source)),
                media_type=media_type,
                sha256=sha256,
                owner=owner,
                journal=lambda _: None,
                overwrite=overwrite,
            )
            self._world.promises.stored(key, before)

        self._delay(key, source, owner, overwrite)
        await self._call("put", key, store)

    def _delay(self, key: str, source: Path, owner: Owner, overwrite: bool) -> None:
        """The bytes are under way, and the sender hears of it no more."""
        told = self._faults.strikes("put lands late, sender told it failed")
        died = not told and self._faults.strikes("put lands late, sender died")
        if not told and not died:
            return
        content = self._disk.read(source)
        seconds = self._world.random.random() ** 2 * 300

        def land() -> None:
            found = self._storage._objects.get(key)
            self._world.note(self._process, "put lands late", key)
            self._world.promises.landed(owner)
            self._world.promises.landing -= 1
            if found is None or overwrite:
                self._storage._objects[key] = _Object(content, owner, found is not None)
                self._world.promises.stored(key, found)

        self._world.promises.landing += 1
        self._world.later(seconds, land)
        if died:
            self._world.crash(self._process)
        raise StorageUnavailable("simulated: the connection was reset")

    async def get(self, key: str, target: Path, *, limit_bytes: int) -> None:
        await self._storage.get(key, target, limit_bytes=limit_bytes)

    async def stat(self, key: str) -> Stored | None:
        await self._call("stat", key, _nothing)
        return await self._storage.stat(key)

    async def delete(self, key: str) -> None:
        await self._call("delete", key, lambda: self._storage.delete(key))

    async def settle(self, intent: Intent, owner: Owner) -> None:
        await self._call("settle", intent.key, lambda: self._storage.settle(intent, owner))

    async def rollback(self, intent: Intent, owner: Owner) -> None:
        async def undo() -> None:
            before = self._storage._objects.get(intent.key)
            await self._storage.rollback(intent, owner)
            self._world.promises.rolled_back(intent.key, before, owner)

        await self._call("rollback", intent.key, undo)

    def url(self, key: str) -> str:
        return self._storage.url(key)

    def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        return self._storage.list(prefix)

    async def check(self) -> None:
        await self._storage.check()

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _call(self, what: str, key: str, call: Callable[[], Awaitable[None]]) -> None:
        """One request: it may not arrive, and its answer may not."""
        self._step(what, key, "before")
        await self._travel()
        if self._faults.strikes("storage error, nothing done"):
            raise StorageUnavailable("simulated: 503")
        await call()
        self._step(f"{what} done", key, "after")
        await self._travel()
        if self._faults.strikes("storage error, but done"):
            raise StorageUnavailable("simulated: no answer")

    def _step(self, what: str, key: str, when: str) -> None:
        if not self._process.alive:
            raise Crashed
        self._world.note(self._process, what, key)
        if self._faults.strikes(f"crash {when} a storage call"):
            self._world.crash(self._process)

    async def _travel(self) -> None:
        if self._world.random.random() < self._faults.preemption:
            await moment(self._world.random, 0.2)


async def _nothing() -> None:
    """A call that only asks."""
