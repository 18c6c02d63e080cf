"""Walking and emptying directories that others may be emptying at the same time."""

import os
from collections.abc import Iterator
from contextlib import suppress

from shared.workspace.files import Files, Name


def attempt_files(files: Files, directory: Name) -> Iterator[os.stat_result]:
    """The status of every file in the attempts of a job's directory, however deep.

    What lies beside the attempts (lease, lock, results) is book-keeping, and left out.
    """
    with suppress(FileNotFoundError):
        for entry in files.entries(directory):
            if entry.is_dir(follow_symlinks=False):
                yield from _below(files, entry.path)


def _below(files: Files, directory: Name) -> Iterator[os.stat_result]:
    with suppress(FileNotFoundError):
        for entry in files.entries(directory):
            if entry.is_dir(follow_symlinks=False):
                yield from _below(files, entry.path)
            else:
                yield entry.stat(follow_symlinks=False)


def empty(files: Files, path: Name) -> None:
    """Remove `path` and all below it; what another removes at the same time is no error."""
    with suppress(FileNotFoundError):
        try:
            entries = files.entries(path)
        except NotADirectoryError:
            files.unlink(path)
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                empty(files, entry.path)
            else:
                with suppress(FileNotFoundError):
                    files.unlink(entry.path)
        files.remove_directory(path)
