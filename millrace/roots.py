"""The work directories of embedded runs: each its own, locked as long as its run lives.

That of a run which was killed is removed, unless something of its jobs lies in storage that is
neither kept nor taken back: without its journals nobody could tell that from whole results.
"""

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from millrace.settings import BadSetting

_ROOT = re.compile(r"run-[0-9a-f]{12}")
# How long the storage of a killed run may be away.
KEPT_DAYS = 30
_NOT_WAITED_FOR = fcntl.LOCK_EX | fcntl.LOCK_NB


@contextmanager
def own_root(temp_dir: Path) -> Iterator[Path]:
    """A new directory `run-<random>` in `temp_dir`, which is gone when the block ends.

    One that owes something, since the block was cut short, is left for the next run.

    Raises:
        BadSetting: nothing can be written in `temp_dir`.
    """
    try:
        root, lock = _made(temp_dir)
    except OSError as error:
        raise BadSetting(f"TEMP_DIR: {temp_dir} cannot be used: {error.strerror}") from None
    try:
        yield root
    finally:
        _remove_unless(root, owes(root))
        os.close(lock)


def _made(temp_dir: Path) -> tuple[Path, int]:
    temp_dir.mkdir(parents=True, exist_ok=True)
    # Nobody looks for abandoned roots meanwhile: this one must not be found without its lock.
    with _locked(temp_dir):
        root = temp_dir / f"run-{secrets.token_hex(6)}"
        root.mkdir(0o700)
        return root, _lock(root)


def abandoned_roots(temp_dir: Path) -> Iterator[Path]:
    """The root of each run that was killed, locked while it is looked at.

    Then it is removed; one that still owes something, only when it is old.
    """
    for root, lock in _free(temp_dir):
        try:
            yield root
            with suppress(OSError):
                _remove_unless(root, owes(root) and not is_old(root))
        finally:
            os.close(lock)


def owes(root: Path) -> bool:
    """Whether a job has put objects into storage, and is not ended."""
    return any(root.glob("*/jobs/*/objects.jsonl"))


def is_old(root: Path) -> bool:
    """Whether its run began longer ago than its storage may be away."""
    return time.time() - root.stat().st_mtime > KEPT_DAYS * 24 * 3600


def _remove_unless(root: Path, kept: bool) -> None:
    """Remove `root`; of one that is kept, the files of the stages alone, which are large.

    What a job owes is told by what lies beside these.
    """
    if not kept:
        shutil.rmtree(root)
    for folder in root.glob("*/jobs/*/*/"):
        shutil.rmtree(folder, ignore_errors=True)


def _free(temp_dir: Path) -> list[tuple[Path, int]]:
    """All roots that nobody holds, each with a lock on it."""
    found = []
    with suppress(OSError), _locked(temp_dir):
        for entry in os.scandir(temp_dir):
            # An error means: its run lives, or it is another user's.
            with suppress(OSError):
                if _ROOT.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                    found.append((Path(entry.path), _lock(Path(entry.path), _NOT_WAITED_FOR)))
    return found


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _lock(folder)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, how: int = fcntl.LOCK_EX) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
