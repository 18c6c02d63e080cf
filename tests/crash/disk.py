"""Points around everything that this process changes on the disk, below some folders.

It is put between the program and the system: whatever is written through `os`, by whichever
module, has its points, and `tests/crash/trace.py` proves it with the kernel's own account.
"""

import fcntl
import io
import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from shared.workspace.files import Files
from tests.crash.points import Points

# What each operation names: its path arguments, and the keyword of their folder's descriptor.
_NAMED: dict[str, tuple[tuple[int, str], ...]] = {
    "mkdir": ((0, "dir_fd"),),
    "rmdir": ((0, "dir_fd"),),
    "unlink": ((0, "dir_fd"),),
    "remove": ((0, "dir_fd"),),
    "link": ((0, "src_dir_fd"), (1, "dst_dir_fd")),
    "rename": ((0, "src_dir_fd"), (1, "dst_dir_fd")),
    "replace": ((0, "src_dir_fd"), (1, "dst_dir_fd")),
    "symlink": ((1, "dir_fd"),),
    "utime": ((0, "dir_fd"),),
    "truncate": ((0, ""),),
}
# Those that are handed a descriptor: which argument it is.
_OPENED = {"pwrite": 0, "copy_file_range": 1, "ftruncate": 0}
_CHANGING = os.O_CREAT | os.O_TRUNC
_LOOKS = ("read", "modified", "exists", "entries", "read_locked", "unlock", "space")


class Disk:
    """The folders that are watched.

    Args:
        looks: whether what only reads has points too.
    """

    def __init__(self, points: Points, roots: Sequence[Path], *, looks: bool = False) -> None:
        self._points = points
        self._roots = tuple(f"{root}/" for root in roots)
        self._looks = looks

    def install(self) -> None:
        """Wrap what this process calls, for good."""
        for name, paths in _NAMED.items():
            setattr(os, name, self._named(getattr(os, name), name, paths))
        for name, position in _OPENED.items():
            setattr(os, name, self._opened(getattr(os, name), name, position))
        os.open = self._open(os.open)
        os.write = self._write(os.write)
        os.fdopen = self._fdopen(os.fdopen)
        fcntl.flock = self._flock(fcntl.flock)
        for name in _LOOKS if self._looks else ():
            setattr(Files, name, self._look(getattr(Files, name), name))

    def _below(self, path: str) -> bool:
        return path.startswith(self._roots)

    def _named(
        self, call: Callable[..., Any], name: str, paths: tuple[tuple[int, str], ...]
    ) -> Callable[..., Any]:
        @wraps(call)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            full = [whole(arguments[at], options.get(folder)) for at, folder in paths]
            if not any(map(self._below, full)):
                return call(*arguments, **options)
            with self._points.around("disk", " → ".join((name, *full)).replace(" → ", " ", 1)):
                return call(*arguments, **options)

        return wrapped

    def _opened(self, call: Callable[..., Any], name: str, position: int) -> Callable[..., Any]:
        @wraps(call)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            path = path_of(arguments[position])
            if not self._below(path):
                return call(*arguments, **options)
            with self._points.around("disk", f"{name} {path}"):
                return call(*arguments, **options)

        return wrapped

    def _open(self, call: Callable[..., int]) -> Callable[..., int]:
        @wraps(call)
        def wrapped(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
            full = whole(path, options.get("dir_fd"))
            if not flags & _CHANGING or not self._below(full):
                return call(path, flags, *arguments, **options)
            with self._points.around("disk", f"open {full}"):
                return call(path, flags, *arguments, **options)

        return wrapped

    def _write(self, call: Callable[[int, Any], int]) -> Callable[[int, Any], int]:
        @wraps(call)
        def wrapped(descriptor: int, content: Any) -> int:
            path = path_of(descriptor)
            if not self._below(path):
                return call(descriptor, content)
            return self._written(path, content, lambda part: call(descriptor, part))

        return wrapped

    def _written(self, path: str, content: Any, write: Callable[[Any], int]) -> int:
        """Write all, or, to die in the middle, a half."""
        self._points.reach("before", "disk", f"write {path}")
        if self._points.next_is_last:
            write(memoryview(content)[: len(content) // 2])
        self._points.reach("amid", "disk", f"write {path}")
        count = write(content)
        self._points.reach("after", "disk", f"write {path}")
        return count

    def _fdopen(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def wrapped(descriptor: int, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if mode != "wb" or not self._below(path_of(descriptor)):
                return call(descriptor, mode, *arguments, **options)
            return io.BufferedWriter(_Raw(descriptor, self._written))

        return wrapped

    def _flock(self, call: Callable[[Any, int], None]) -> Callable[[Any, int], None]:
        @wraps(call)
        def wrapped(descriptor: Any, operation: int) -> None:
            path = path_of(descriptor)
            if not self._below(path):
                return call(descriptor, operation)
            with self._points.around("lock", f"flock {path}"):
                return call(descriptor, operation)

        return wrapped

    def _look(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(call)
        def wrapped(files: Files, *arguments: Any) -> Any:
            with self._points.around("look", f"{name} {' '.join(map(str, arguments))}"):
                return call(files, *arguments)

        return wrapped


class _Raw(io.FileIO):
    """What is below a buffered file, with points around each write that reaches the system."""

    def __init__(self, descriptor: int, written: Callable[..., int]) -> None:
        super().__init__(descriptor, "wb")
        self._path = path_of(descriptor)
        self._written = written

    def write(self, content: Any) -> int:
        return self._written(self._path, content, super().write)


def whole(path: Any, folder: int | None = None) -> str:
    """The absolute path of what is named relative to the folder with this descriptor."""
    base = str(Path.cwd()) if folder is None else path_of(folder)
    return str(Path(base, os.fsdecode(path)))


def path_of(descriptor: int) -> str:
    """The path of an open file; something else for what is none."""
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())
