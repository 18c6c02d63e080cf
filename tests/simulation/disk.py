"""The seam of the workspace: every operation may be the last, and others come in between."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from shared.errors import WorkspaceFull
from shared.workspace.files import Files, Name
from tests.simulation.virtual import Crashed, Process
from tests.simulation.world import World

Operation = Callable[..., Any]


def step(operation: Operation) -> Operation:
    """Something can happen before and after this operation."""

    @wraps(operation)
    def at(self: "Disk", path: Any, *more: Any, **options: Any) -> Any:
        self.before(operation.__name__, path)
        result = operation(self, path, *more, **options)
        self.after()
        return result

    return at


class Disk(Files):
    """The real disk under one simulated process, on the virtual clock."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        self._promises = world.promises
        self._random = world.random.random
        self._faults = world.faults
        self._cut = len(str(world.root)) + 1
        self._locks: dict[int, str] = {}

    def release(self) -> None:
        """What the system does at a process's death: its locks are gone."""
        for descriptor in [*self._locks]:
            self._close(descriptor)

    # ── around every operation ───────────────────────────────────────────────────────────

    def before(self, operation: str, path: Name | int) -> None:
        process, faults = self._process, self._faults
        if not process.alive:
            raise Crashed
        short = path if isinstance(path, int) else str(path)[self._cut :]
        self._world.note(process, operation, short)
        if not process.inside:
            return
        chance = self._random()
        # Around the lock is where two that meet can do harm.
        likely = faults.preemption * (3 if operation == "lock" else 1)
        if chance > 1 - likely:
            if chance > 1 - likely / 3:
                process.stall(self._random() ** 2 * 0.2)
            else:
                process.pause()
        if faults.calm:
            return
        if chance < faults.before_file:
            faults.saw("crash before a file operation")
            self._world.crash(process)
        if self._random() < faults.standstill:
            faults.saw("process stands still in a file operation")
            process.stall(self._random() ** 3 * 300)

    def after(self) -> None:
        faults = self._faults
        if not faults.calm and self._random() < faults.after_file and self._process.inside:
            faults.saw("crash after a file operation")
            self._world.crash(self._process)

    def _room(self) -> None:
        if self._world.full and self._random() < 0.7:
            self._faults.saw("disk full at a file operation")
            self._promises.filled = True
            raise WorkspaceFull("the work directory is full: simulated")

    def _date(self, *paths: Name) -> None:
        """The volume's clock is the virtual one."""
        for path in paths:
            os.utime(path, (self._world.now, self._world.now), follow_symlinks=False)

    def _date_parent(self, path: Name) -> None:
        parent = str(path).rpartition("/")[0]
        if parent.count("/", self._cut) == 1:
            self._date(parent)

    # ── the operations ───────────────────────────────────────────────────────────────────

    @step
    def make_directory(self, path: Name) -> None:
        self._room()
        self._promises.making(self._process, self._short(path))
        super().make_directory(path)
        self._date(path)
        self._date_parent(path)

    @step
    def create(self, path: Name, content: bytes) -> None:
        self._room()
        self._promises.making(self._process, self._short(path))
        if not self._faults.calm and self._random() < self._faults.before_file / 2:
            # Killed between the system calls of which this is made.
            super().create(path, b"")
            self._date(path)
            self._faults.saw("crash in the middle of a file's creation")
            self._world.crash(self._process)
        super().create(path, content)
        self._date(path)
        self._date_parent(path)

    @step
    def append(self, path: Name, content: bytes) -> None:
        self._room()
        self._promises.making(self._process, self._short(path))
        super().append(path, content)

    @step
    def link(self, source: Name, target: Name) -> None:
        self._promises.making(self._process, self._short(target))
        super().link(source, target)
        self._promises.linked(self._short(target), target)
        self._date_parent(target)

    @step
    def rename(self, source: Name, target: Name) -> None:
        self._promises.renaming(self._process, self._short(source), self._short(target))
        super().rename(source, target)
        self._date_parent(source)
        self._date_parent(target)

    @step
    def unlink(self, path: Name) -> None:
        self._promises.removing(self._process, self._short(path))
        super().unlink(path)
        self._date_parent(path)

    @step
    def remove_directory(self, path: Name) -> None:
        self._promises.removing(self._process, self._short(path))
        super().remove_directory(path)
        self._date_parent(path)

    @step
    def read(self, path: Name) -> bytes:
        return super().read(path)

    @step
    def modified(self, path: Name) -> float:
        return super().modified(path)

    @step
    def touch(self, path: Name) -> float:
        self._date(path)
        return self._world.now

    @step
    def exists(self, path: Name) -> bool:
        return super().exists(path)

    @step
    def entries(self, path: Name) -> list[os.DirEntry[str]]:
        self._promises.looked(self._process, self._short(path))
        return super().entries(path)

    @step
    def lock(self, path: Name) -> int | None:
        self._promises.looked(self._process, self._short(path))
        descriptor = super().lock(path)
        if descriptor is not None:
            short = self._short(path)
            self._locks[descriptor] = short
            self._promises.locked(self._process, short)
        return descriptor

    @step
    def read_locked(self, descriptor: int) -> bytes:
        return super().read_locked(descriptor)

    @step
    def unlock(self, descriptor: int) -> None:
        self._close(descriptor)

    @step
    def space(self, path: Name) -> tuple[int, int]:
        if self._world.full and self._random() < 0.7:
            self._faults.saw("no room to reserve")
            return 0, 1 << 30
        return 1 << 29, 1 << 30

    def _close(self, descriptor: int) -> None:
        self._promises.unlocked(self._process, self._locks.pop(descriptor))
        os.close(descriptor)

    def _short(self, path: Name) -> str:
        return str(path)[self._cut :]
