"""How many children have nothing to do: the parent tells it, and all of them see it as they work.

A photo that comes while all cores are busy may so have more of them as soon as others are done.
"""

import mmap
import os
import tempfile

_HIGHEST = 255  # one byte, so that it is read whole while it is written


class _Seen:
    """What a child has of it; nothing in a process that is none."""

    memory: mmap.mmap | None = None


def watch(descriptor: int) -> None:
    """See what is written on the board of that descriptor, which is closed."""
    _Seen.memory = mmap.mmap(descriptor, mmap.PAGESIZE, prot=mmap.PROT_READ)
    os.close(descriptor)


def threads(most: int) -> int:
    """How many a call may keep busy now: one, and one for each child with nothing to do."""
    return most if _Seen.memory is None else min(most, 1 + _Seen.memory[0])


class Board:
    """A small number in memory that the parent writes and its children read.

    Attributes:
        descriptor: of that memory; children inherit it.
    """

    def __init__(self) -> None:
        self.descriptor = _memory()
        self._memory = mmap.mmap(self.descriptor, mmap.PAGESIZE)

    def write(self, idle: int) -> None:
        """Tell all children."""
        self._memory[0] = min(idle, _HIGHEST)

    def close(self) -> None:
        """Give the memory back; children that live still see the last number."""
        self._memory.close()
        os.close(self.descriptor)


def _memory() -> int:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("idle")
    else:
        descriptor, path = tempfile.mkstemp()
        os.unlink(path)  # noqa: PTH108
    os.ftruncate(descriptor, mmap.PAGESIZE)
    return descriptor
