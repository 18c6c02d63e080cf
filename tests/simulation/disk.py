"""The seam of the workspace: every operation may be the last, and others come in between."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from shared.errors import WorkspaceFull
from shared.workspace.files import Name
from tests.simulation.virtual import Crashed, Process
from tests.simulation.volume import MemoryFiles
from tests.simulation.world import World

Operation = TypeVar("Operation", bound=Callable[..., Any])


def step(operation: Operation) -> Operation:
    """Something can happen before and after this operation."""

    name = operation.__name__

    @wraps(operation)
    def at(self: "Disk", path: Any, *more: Any) -> Any:
        self.before(name, path)
        result = operation(self, path, *more)
        if self._faults.after_file:
            self.after()
        return result

    return cast(Operation, at)


class Disk(MemoryFiles):
    """The volume under one simulated process."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__(world.volume)
        self._world = world
        self._process = process
        self._promises = world.promises
        self._random = world.random.random
        self._faults = world.faults
        self._cut = len(world.volume.root) + 1
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
        if self._world.trace is not None:
            self._world.note(process, operation, str(path)[self._cut :])
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
        self._stand_still()

    def _stand_still(self) -> None:
        """Stop for a while, of which a sweep may make use."""
        process, faults = self._process, self._faults
        chance = self._random()
        if chance < faults.standstill:
            faults.saw("process stands still in a file operation")
            process.stall(self._random() ** 3 * 300)
        elif chance > 1 - faults.sweeping and self._world.sweep():
            faults.saw("sweep between two steps")
            process.stall(self._random() * 0.1)

    def after(self) -> None:
        faults = self._faults
        if not faults.calm and self._random() < faults.after_file and self._process.inside:
            faults.saw("crash after a file operation")
            self._world.crash(self._process)

    def _room(self) -> None:
        if self._full:
            self._faults.saw("disk full at a file operation")
            self._promises.filled = True
            raise WorkspaceFull("the work directory is full: simulated")

    @property
    def _full(self) -> bool:
        return self._world.full and self._random() < 0.7

    def _torn(self, content: bytes, likely: float) -> bytes | None:
        """What there is of `content` when the process dies in the middle of writing it."""
        if self._faults.calm or self._random() >= self._faults.before_file * likely:
            return None
        return content[: int(self._random() * len(content))]

    # ── the operations ───────────────────────────────────────────────────────────────────

    @step
    def make_directory(self, path: Name) -> None:
        self._room()
        self._promises.making(self._process, self._short(path))
        super().make_directory(path)

    @step
    def create(self, path: Name, content: bytes) -> None:
        self._room()
        self._promises.making(self._process, self._short(path))
        part = self._torn(content, 1)
        super().create(path, content if part is None else part)
        if part is not None:
            self._faults.saw("crash in the middle of a file's creation")
            self._world.crash(self._process)

    @step
    def append(self, path: Name, content: bytes) -> None:
        self._promises.making(self._process, self._short(path))
        if self._full:
            # The room may end in the middle of a line.
            super().append(path, content[: int(self._random() * len(content))])
            self._room_ends()
        part = self._torn(content, 8)
        super().append(path, content if part is None else part)
        if part is not None:
            self._faults.saw("crash in the middle of a line of the journal")
            self._world.crash(self._process)

    def _room_ends(self) -> None:
        self._faults.saw("disk full in the middle of a line of the journal")
        self._promises.filled = True
        raise WorkspaceFull("the work directory is full: simulated")

    @step
    def link(self, source: Name, target: Name) -> None:
        self._promises.making(self._process, self._short(target))
        super().link(source, target)
        self._promises.linked(self._short(target))

    @step
    def rename(self, source: Name, target: Name) -> None:
        self._promises.renaming(self._process, self._short(source), self._short(target))
        super().rename(source, target)
        self._promises.renamed(self._short(target))

    @step
    def unlink(self, path: Name) -> None:
        self._promises.removing(self._process, self._short(path))
        super().unlink(path)

    @step
    def remove_directory(self, path: Name) -> None:
        self._promises.unmaking(self._process, self._short(path))
        super().remove_directory(path)

    @step
    def read(self, path: Name) -> bytes:
        return super().read(path)

    @step
    def locate(self, directory: Path, relative: str) -> Path:
        return super().locate(directory, relative)

    @step
    def modified(self, path: Name) -> float:
        return super().modified(path)

    @step
    def touch(self, path: Name) -> float:
        return super().touch(path)

    @step
    def exists(self, path: Name) -> bool:
        return super().exists(path)

    @step
    def entries(self, path: Name) -> list[Any]:
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
        free, size = super().space(path)
        if self._full:
            self._faults.saw("no room to reserve")
            return 0, size
        return free, size

    def _close(self, descriptor: int) -> None:
        self._promises.unlocked(self._process, self._locks.pop(descriptor))
        super().unlock(descriptor)

    def _short(self, path: Name) -> str:
        return str(path)[self._cut :]
