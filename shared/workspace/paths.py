"""From a path in a message to a file: nothing outside the job's directory is ever opened."""

import os
import stat
from pathlib import Path

from shared.errors import FilesLost, InvalidJob


def locate(directory: Path, relative: str) -> Path:
    """The regular file `relative` below `directory`, checked step by step on the way.

    Raises:
        InvalidJob: the path leads out of the directory, or could.
        FilesLost: there is no such file, or a link or something else in its place.
    """
    parts = relative.split("/")
    if "\0" in relative or {"", ".", ".."} & set(parts):
        raise InvalidJob(f"the path {relative!r} is not one inside the job's directory")
    try:
        regular = _ends_at_file(directory, parts)
    except OSError as error:
        raise FilesLost(f"the file {relative!r} is not there: {error.strerror}") from error
    if not regular:
        raise FilesLost(f"{relative!r} is not a regular file")
    return directory / relative


def _ends_at_file(directory: Path, parts: list[str]) -> bool:
    """Walk without following links; whether what stands at the end is a regular file."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    step = os.open(directory, flags)
    try:
        for part in parts[:-1]:
            following = os.open(part, flags, dir_fd=step)
            os.close(step)
            step = following
        status = os.stat(parts[-1], dir_fd=step, follow_symlinks=False)
        return stat.S_ISREG(status.st_mode)
    finally:
        os.close(step)
