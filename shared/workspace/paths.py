"""From a path in a message to a file: nothing outside the job's directory is ever opened."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import FilesLost, InvalidJob

# No link is followed, and a pipe in the place of a file is not waited for.
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def locate(directory: Path, relative: str) -> Path:
    """The regular file `relative` below `directory`, checked step by step on the way.

    Raises:
        InvalidJob: the path leads out of the directory, or could.
        FilesLost: there is no such file, or a link or something else in its place.
    """
    with _found(directory, relative):
        return directory / relative


@contextmanager
def opened(directory: Path, relative: str) -> Iterator[Path]:
    """A path of that very file, as `locate` finds it, which holds while the block runs.

    Whatever takes the file's place after the look is not what this path leads to.

    Raises:
        InvalidJob, FilesLost: as `locate`.
    """
    with _found(directory, relative) as (folder, name):
        descriptor = _open_regular(folder, name, relative)
    try:
        yield path_of(descriptor)
    finally:
        os.close(descriptor)


def path_of(descriptor: int) -> Path:
    """The path under which this process can open the file of `descriptor` once more."""
    return Path(f"/dev/fd/{descriptor}")


@contextmanager
def _found(directory: Path, relative: str) -> Iterator[tuple[int, str]]:
    """The folder of the regular file, reached without following links, and its name there."""
    parts = relative.split("/")
    if "\0" in relative or {"", ".", ".."} & set(parts):
        raise InvalidJob(f"the path {relative!r} is not one inside the job's directory")
    with _lost(relative), _walked(directory, parts[:-1]) as folder:
        status = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        _refuse_irregular(status, relative)
        yield folder, parts[-1]


@contextmanager
def _walked(directory: Path, folders: list[str]) -> Iterator[int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    step = os.open(directory, flags)
    try:
        for part in folders:
            following = os.open(part, flags, dir_fd=step)
            os.close(step)
            step = following
        yield step
    finally:
        os.close(step)


def _open_regular(folder: int, name: str, relative: str) -> int:
    # Looked at already, since opening a device can do things; and once more, in case it is
    # another one by now.
    descriptor = os.open(name, os.O_RDONLY | SAFELY, dir_fd=folder)
    try:
        _refuse_irregular(os.fstat(descriptor), relative)
    except FilesLost:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_irregular(status: os.stat_result, relative: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FilesLost(f"{relative!r} is not a regular file")


@contextmanager
def _lost(relative: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FilesLost(f"the file {relative!r} is not there: {error.strerror}") from error
