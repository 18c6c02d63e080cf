"""The volume in memory is no kinder than a real disk: the same operations, the same end."""

import inspect
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.workspace.files import Files
from tests.simulation.volume import MemoryFiles, Volume, below

OPERATIONS = 2000
NAMES = ("a", "b", "a/a", "a/b", "b/a", "a/a/a", "c")
ONE_PATH = (
    "make_directory",
    "make_directory",
    "unlink",
    "remove_directory",
    "read",
    "exists",
    "entries",
    "touch",
    "lock",
)


class Both:
    """A real directory and one in memory, and the locks that are held in each."""

    def __init__(self, root: Path) -> None:
        self.real = Files()
        self.volume = Volume(str(root), lambda: 1.0)
        self.memory = MemoryFiles(self.volume)
        self.root = root
        self.locks: list[tuple[int, int]] = []

    def outcomes(self, name: str, *arguments: Any) -> tuple[Any, Any]:
        """What the operation returns or raises on each."""
        one, other = (_outcome(files, name, arguments) for files in (self.real, self.memory))
        if name == "lock" and isinstance(one, int) and isinstance(other, int):
            self.locks.append((one, other))
            return True, True
        if name == "entries" and isinstance(one, list) and isinstance(other, list):
            return [_seen(entry) for entry in one], [_seen(entry) for entry in other]
        return (
            ("touched", "touched")
            if name == "touch"
            and {float}
            == {
                type(one),
                type(other),
            }
            else (one, other)
        )

    def let_go(self, random: Random) -> tuple[Any, Any]:
        """Read one of the locked files, and unlock it."""
        real, memory = self.locks.pop(int(random.random() * len(self.locks)))
        content = self.real.read_locked(real), self.memory.read_locked(memory)
        self.real.unlock(real)
        self.memory.unlock(memory)
        return content

    @property
    def trees(self) -> tuple[list[Any], list[Any]]:
        """All that lies there: names, what they are, contents, and what is the same file."""
        real = sorted(self.root.rglob("*"))
        first: dict[object, int] = {}
        lying = [
            (
                str(path.relative_to(self.root)),
                path.is_dir() or path.read_bytes(),
                first.setdefault(path.stat().st_ino, number),
            )
            for number, path in enumerate(real)
        ]
        seen: dict[object, int] = {}
        memory = sorted(below(self.volume.top), key=lambda one: Path(one[0]))
        kept = [
            (name, node.names is not None or node.content, seen.setdefault(id(node), number))
            for number, (name, node) in enumerate(memory)
        ]
        return lying, kept


def _outcome(files: Files, name: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return getattr(files, name)(*arguments)
    except OSError as error:
        return type(error), error.errno


def _seen(entry: "os.DirEntry[str]") -> tuple[str, str, bool, int]:
    directory = entry.is_dir(follow_symlinks=False)
    return entry.name, entry.path, directory, 0 if directory else entry.stat().st_size


def _step(both: Both, random: Random) -> tuple[str, tuple[Any, Any]]:
    one, other = (f"{both.root}/{random.choice(NAMES)}" for _ in "ab")
    kind = random.randrange(12)
    if kind < 3:
        name = random.choice(("create", "append"))
        return f"{name} {one}", both.outcomes(name, one, random.randbytes(3))
    if kind < 6:
        name = random.choice(("link", "rename"))
        return f"{name} {one} {other}", both.outcomes(name, one, other)
    if kind < 7 and both.locks:
        return "unlock", both.let_go(random)
    name = random.choice(ONE_PATH)
    return f"{name} {one}", both.outcomes(name, one)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_operations_end_the_same_on_a_real_disk(seed: int, tmp_path: Path) -> None:
    both, random = Both(tmp_path), Random(seed)
    raised = set()
    for _ in range(OPERATIONS):
        what, (one, other) = _step(both, random)
        assert one == other, what
        raised |= {one[0]} if isinstance(one, tuple) and isinstance(one[0], type) else set()
    lying, kept = both.trees
    assert lying == kept
    assert len(raised) >= 6, raised
    while both.locks:
        both.let_go(random)


def test_a_change_is_seen_in_the_time_of_what_was_changed(tmp_path: Path) -> None:
    """Not more of the times: a real clock may stand still between two operations."""
    now = [100.0]
    files = MemoryFiles(Volume("/root", lambda: now[0]))
    real = Files()

    def times(names: tuple[str, ...], root: str, disk: Files) -> tuple[bool, ...]:
        return tuple(disk.modified(f"{root}/{name}") != _LONG_AGO for name in names)

    for what, arguments, content in _CHANGES:
        for root, disk in (("/root", files), (str(tmp_path), real)):
            _prepare(root, disk, now)
        now[0] = 200.0
        for root, disk in (("/root", files), (str(tmp_path), real)):
            full = [f"{root}/{name}" for name in arguments]
            getattr(disk, what)(*full, *content)
        names = tuple(name for name in _LYING if real.exists(tmp_path / name))
        assert times(names, "/root", files) == times(names, str(tmp_path), real), what
        for root, disk in (("/root", files), (str(tmp_path), real)):
            _clear(root, disk)


_LONG_AGO = 100.0
_LYING = ("one", "other", "one/file", "other/file", "one/empty", "one/new", "other/new")
_CHANGES: tuple[tuple[str, tuple[str, ...], tuple[bytes, ...]], ...] = (
    ("create", ("one/new",), (b"x",)),
    ("append", ("one/file",), (b"x",)),
    ("append", ("one/new",), (b"x",)),
    ("link", ("one/file", "other/new"), ()),
    ("rename", ("one/file", "other/new"), ()),
    ("rename", ("one/empty", "other/new"), ()),
    ("rename", ("one/file", "other/file"), ()),
    ("unlink", ("one/file",), ()),
    ("remove_directory", ("one/empty",), ()),
    ("make_directory", ("one/new",), ()),
    ("touch", ("one",), ()),
)


def _prepare(root: str, disk: Files, now: list[float]) -> None:
    now[0] = _LONG_AGO
    for name in ("one", "other", "one/empty"):
        disk.make_directory(f"{root}/{name}")
    for name in ("one/file", "other/file"):
        disk.create(f"{root}/{name}", b"")
    if not isinstance(disk, MemoryFiles):
        for name in _LYING:
            if disk.exists(f"{root}/{name}"):
                os.utime(f"{root}/{name}", (_LONG_AGO, _LONG_AGO))


def _clear(root: str, disk: Files) -> None:
    for entry in disk.entries(root):
        if entry.is_dir():
            _clear(entry.path, disk)
            disk.remove_directory(entry.path)
        else:
            disk.unlink(entry.path)


def test_no_operation_is_left_to_the_real_disk() -> None:
    public = {name for name, _ in inspect.getmembers(Files, inspect.isfunction) if name[0] != "_"}
    assert public <= vars(MemoryFiles).keys()


def test_making_the_root_makes_its_parents_and_is_fine_twice(tmp_path: Path) -> None:
    memory = MemoryFiles(Volume(str(tmp_path), lambda: 1.0))
    for files in (Files(), memory):
        for _ in range(2):
            files.make_root(tmp_path / "lane" / "jobs")
        assert files.exists(tmp_path / "lane" / "jobs")


def test_a_file_is_located_only_where_it_is(tmp_path: Path) -> None:
    memory = MemoryFiles(Volume(str(tmp_path), lambda: 1.0))
    for files in (Files(), memory):
        files.make_directory(tmp_path / "download")
        files.create(tmp_path / "download" / "original", b"x")
        assert files.locate(tmp_path, "download/original") == tmp_path / "download/original"
        for nothing in ("download/other", "download"):
            with pytest.raises(Exception, match=nothing):
                files.locate(tmp_path, nothing)
