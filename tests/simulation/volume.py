"""A volume in memory that behaves as a file system of Linux does towards the workspace.

`tests/simulation/test_volume.py` does the same random operations here and on a real disk, and
compares what they return, what they raise, and what lies there afterwards.
"""

import errno
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import FilesLost
from shared.workspace.files import Files, Name


class Node:
    """A file or a directory, whatever names it has.

    Attributes:
        names: of a directory; None for a file.
        modified: by the volume's clock.
        links: how many names it has.
        holder: the open description that has the lock, 0 for none.
    """

    __slots__ = ("content", "holder", "links", "modified", "names")

    def __init__(self, modified: float, *, directory: bool = False) -> None:
        self.names: dict[str, Node] | None = {} if directory else None
        self.content = b""
        self.modified = modified
        self.holder = 0
        self.links = 0


class Status:
    """As much of `os.stat_result` as is looked at."""

    __slots__ = ("st_mtime", "st_size")

    def __init__(self, node: Node) -> None:
        self.st_mtime = node.modified
        self.st_size = len(node.content)


class Entry:
    """As `os.DirEntry`: what it is was seen when the directory was read, all else is seen now."""

    __slots__ = ("_directory", "_volume", "name", "path")

    def __init__(self, volume: "Volume", folder: str, name: str, node: Node) -> None:
        self.name = name
        self.path = f"{folder}/{name}"
        self._volume = volume
        self._directory = node.names is not None

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._directory

    def stat(self, *, follow_symlinks: bool = True) -> Status:
        return Status(self._volume.at(self.path))


class Volume:
    """The tree of files below `root`.

    Args:
        clock: seconds since the epoch.

    Attributes:
        opened: the open description of each descriptor that is held.
    """

    def __init__(self, root: str, clock: Callable[[], float]) -> None:
        self.root = root
        self.clock = clock
        self.top = Node(clock(), directory=True)
        self.opened: dict[int, Node] = {}
        self.descriptors = itertools.count(1)
        self._cut = len(root) + 1

    def at(self, path: Name) -> Node:
        """What lies there."""
        node, below = self.top, str(path)[self._cut :]
        for part in below.split("/") if below else ():
            if node.names is None:
                raise _error(errno.ENOTDIR, path)
            found = node.names.get(part)
            if found is None:
                raise _error(errno.ENOENT, path)
            node = found
        return node

    def exists(self, path: Name) -> bool:
        """Whether something lies there."""
        node, below = self.top, str(path)[self._cut :]
        for part in below.split("/") if below else ():
            found = node.names.get(part) if node.names is not None else None
            if found is None:
                return False
            node = found
        return True

    def folder(self, path: Name) -> tuple[Node, dict[str, Node], str]:
        """The directory that has the name, its names, and the last part of `path`."""
        parent, _, name = str(path).rpartition("/")
        node = self.at(parent)
        if node.names is None:
            raise _error(errno.ENOTDIR, path)
        return node, node.names, name

    def add(self, path: Name, node: Node) -> Node:
        """Give `node` a new name."""
        parent, names, name = self.folder(path)
        if name in names:
            raise _error(errno.EEXIST, path)
        names[name] = node
        node.links += 1
        parent.modified = self.clock()
        return node

    def names(self, path: str) -> list[str]:
        """The names in a directory, relative to the root; none where there is none."""
        try:
            return list(self.at(f"{self.root}/{path}").names or ())
        except FileNotFoundError:
            return []


class MemoryFiles(Files):
    """`Files` of one process on a volume in memory."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume

    def make_root(self, path: Name) -> None:
        volume = self.volume
        if not volume.exists(path):
            for parent in (*reversed(Path(path).parents), path):
                if len(str(parent)) > len(volume.root) and not volume.exists(parent):
                    volume.add(parent, Node(volume.clock(), directory=True))

    def make_directory(self, path: Name) -> None:
        self.volume.add(path, Node(self.volume.clock(), directory=True))

    def create(self, path: Name, content: bytes) -> None:
        self.volume.add(path, Node(self.volume.clock())).content = content

    def append(self, path: Name, content: bytes) -> None:
        try:
            node = self.volume.at(path)
        except FileNotFoundError:
            node = self.volume.add(path, Node(0))
        _refuse_directory(node, path)
        if node.links > 1:
            raise _error(errno.EMLINK, path)
        node.content += content
        node.modified = self.volume.clock()

    def link(self, source: Name, target: Name) -> None:
        node = self.volume.at(source)
        _, names, name = self.volume.folder(target)
        if node.names is not None and name not in names:
            raise _error(errno.EPERM, source)
        self.volume.add(target, node)

    def rename(self, source: Name, target: Name) -> None:
        parent, names, name = self.volume.folder(source)
        new_parent, new_names, new_name = self.volume.folder(target)
        node = names.get(name)
        if node is None:
            raise _error(errno.ENOENT, source)
        if f"{target}/".startswith(f"{source}/") and str(target) != str(source):
            raise _error(errno.EINVAL, source)
        if f"{source}/".startswith(f"{target}/") and str(target) != str(source):
            raise _error(errno.ENOTEMPTY, source)
        there = new_names.get(new_name)
        if there is node:
            # Two names of one file: nothing happens, says POSIX.
            return
        if there is not None:
            _refuse_to_replace(node, there, target)
            there.links -= 1
        new_names[new_name] = node
        del names[name]
        parent.modified = new_parent.modified = self.volume.clock()

    def unlink(self, path: Name) -> None:
        parent, names, name = self.volume.folder(path)
        node = self.volume.at(path)
        _refuse_directory(node, path)
        node.links -= 1
        del names[name]
        parent.modified = self.volume.clock()

    def remove_directory(self, path: Name) -> None:
        parent, names, name = self.volume.folder(path)
        node = self.volume.at(path)
        if node.names is None:
            raise _error(errno.ENOTDIR, path)
        if node.names:
            raise _error(errno.ENOTEMPTY, path)
        del names[name]
        parent.modified = self.volume.clock()

    def read(self, path: Name) -> bytes:
        node = self.volume.at(path)
        _refuse_directory(node, path)
        return node.content

    def modified(self, path: Name) -> float:
        return self.volume.at(path).modified

    def touch(self, path: Name) -> float:
        node = self.volume.at(path)
        node.modified = self.volume.clock()
        return node.modified

    def exists(self, path: Name) -> bool:
        return self.volume.exists(path)

    def entries(self, path: Name) -> list[Any]:
        node = self.volume.at(path)
        if node.names is None:
            raise _error(errno.ENOTDIR, path)
        folder = str(path)
        return [Entry(self.volume, folder, name, node.names[name]) for name in sorted(node.names)]

    def lock(self, path: Name) -> int | None:
        node = self.volume.at(path)
        _refuse_directory(node, path)
        if node.holder:
            return None
        node.holder = next(self.volume.descriptors)
        self.volume.opened[node.holder] = node
        return node.holder

    def read_locked(self, descriptor: int) -> bytes:
        return self._held(descriptor).content

    def unlock(self, descriptor: int) -> None:
        self._held(descriptor).holder = 0
        del self.volume.opened[descriptor]

    def _held(self, descriptor: int) -> Node:
        if descriptor not in self.volume.opened:
            raise _error(errno.EBADF, descriptor)
        return self.volume.opened[descriptor]

    def locate(self, directory: Path, relative: str) -> Path:
        """As the real one for paths that stages write; the others are told in its own tests."""
        path = directory / relative
        if not self.volume.exists(path) or self.volume.at(path).names is not None:
            raise FilesLost(f"the file {relative!r} is not there")
        return path

    @contextmanager
    def opened(self, directory: Path, relative: str) -> Iterator[Path]:
        yield self.locate(directory, relative)

    def space(self, path: Name) -> tuple[int, int]:
        return 1 << 29, 1 << 30


def below(node: Node, name: str = "") -> Iterator[tuple[str, Node]]:
    """Everything below a directory, by name."""
    for part, one in sorted((node.names or {}).items()):
        yield f"{name}{part}", one
        yield from below(one, f"{name}{part}/")


def _refuse_directory(node: Node, path: Name) -> None:
    if node.names is not None:
        raise _error(errno.EISDIR, path)


def _refuse_to_replace(node: Node, there: Node, target: Name) -> None:
    """A file takes the place of a file, a directory that of an empty one."""
    if node.names is None:
        _refuse_directory(there, target)
    elif there.names is None:
        raise _error(errno.ENOTDIR, target)
    elif there.names:
        raise _error(errno.ENOTEMPTY, target)


def _error(number: int, path: object) -> OSError:
    return OSError(number, os.strerror(number), str(path))
