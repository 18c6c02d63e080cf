"""A worker on the volume in memory, which can be told to die at its n-th operation."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from shared.workspace.files import Files, Name
from tests.simulation.volume import MemoryFiles, Volume

Operation = TypeVar("Operation", bound=Callable[..., Any])


class Died(BaseException):
    """The worker was killed at this operation."""


class MortalFiles(MemoryFiles):
    """`Files` of one worker.

    Attributes:
        left: how many operations it has left to live; None for ever.
        after: whether it dies after its last operation rather than before.
    """

    def __init__(self, volume: Volume) -> None:
        super().__init__(volume)
        self.left: int | None = None
        self.after = False
        self._locks: set[int] = set()

    def die(self) -> None:
        """What the system does then: the locks are gone."""
        for descriptor in [*self._locks]:
            self._locks.discard(descriptor)
            MemoryFiles.unlock(self, descriptor)

    def lock(self, path: Name) -> int | None:
        descriptor = super().lock(path)
        if descriptor is not None:
            self._locks.add(descriptor)
        return descriptor

    def unlock(self, descriptor: int) -> None:
        self._locks.discard(descriptor)
        super().unlock(descriptor)

    def create(self, path: Name, content: bytes) -> None:
        if self.left == 1 and self.after:
            # Killed in the middle: a part of it is there.
            super().create(path, content[: len(content) // 2])
            raise Died
        super().create(path, content)


def _mortal(operation: Operation) -> Operation:
    @wraps(operation)
    def step(self: MortalFiles, *arguments: Any) -> Any:
        if self.left is None:
            return operation(self, *arguments)
        if self.left <= 0 or (self.left == 1 and not self.after):
            raise Died
        result = operation(self, *arguments)
        self.left -= 1
        if self.left <= 0:
            raise Died
        return result

    return cast(Operation, step)


for _name in [name for name in vars(Files) if not name.startswith("_")]:
    setattr(MortalFiles, _name, _mortal(getattr(MortalFiles, _name)))
