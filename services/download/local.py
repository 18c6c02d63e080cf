"""Sources on this machine: files under the folders that the operator opened."""

import asyncio
import errno
import os
import stat
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from services.download.settings import DownloadSettings
from services.download.sink import Sink
from services.download.source import Fetched, shown
from shared.errors import MillraceError, SourceForbidden, SourceMissing, SourceUnavailable
from shared.work import Work

CHUNK_BYTES = 1024 * 1024
_MISSING: Final = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO, errno.EISDIR)
# Not waited for where the name belongs to a pipe; not followed where it became a link.
_SAFELY: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LocalSource:
    """`file:///…` addresses. See `Source` for the errors."""

    def __init__(self, settings: DownloadSettings) -> None:
        self._roots = tuple(Path(os.path.realpath(root)) for root in settings.source_roots)
        self._limit = settings.max_download_bytes

    async def fetch(self, address: str, target: Path, work: Work) -> Fetched:
        path = path_of(address)
        file = await asyncio.to_thread(open_under, path, self._roots)
        with file, Sink(target, self._limit, work) as sink:
            size = os.fstat(file.fileno()).st_size
            await sink.expect(size)
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                await sink.write(chunk)
            if sink.size != size:
                raise SourceUnavailable(f"source: {shown(address)} changed while it was read")
            return sink.fetched()


def path_of(address: str) -> Path:
    """The path that a `file:` address spells.

    Raises:
        SourceForbidden: it names another machine, has a query, or a `..` on the way.
    """
    host, slash, rest = address.partition(":")[2].removeprefix("//").partition("/")
    path = Path(os.fsdecode(unquote_to_bytes(slash + rest)))
    if host not in ("", "localhost") or not slash:
        raise SourceForbidden("source: a file's address begins with file:/// and its whole path")
    if "?" in rest or "#" in rest:
        raise SourceForbidden("source: write ? and # in a file's address as %3F and %23")
    if ".." in path.parts or "\0" in str(path):
        raise SourceForbidden(f"source: {shown(str(path))} must be a plain path, without '..'")
    return path


def open_under(path: Path, roots: Iterable[Path]) -> FileIO:
    """The regular file `path`, which lies under one of `roots`, opened for reading.

    Symbolic links are resolved once, and then the way is walked again without following
    any: swapping a part of it after the check gains nothing.

    Args:
        roots: resolved folders.
    """
    resolved = Path(os.path.realpath(path))
    root = next((root for root in roots if resolved.is_relative_to(root)), None)
    if root is None:
        raise SourceForbidden(f"source: {shown(str(path))} is not under a folder of SOURCE_ROOTS")
    try:
        return FileIO(_walk(root, resolved.relative_to(root)))
    except OSError as error:
        raise _meaning(error, path) from error


def _walk(root: Path, relative: Path) -> int:
    folder = os.open(root, _SAFELY | os.O_DIRECTORY)
    try:
        for part in relative.parts[:-1]:
            inner = os.open(part, _SAFELY | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        return _open_regular(relative.name, folder)
    finally:
        os.close(folder)


def _open_regular(name: str, folder: int) -> int:
    # Looked at before it is opened, since opening a device can do things; and after, in
    # case it is another one by then.
    _check_regular(os.stat(name or ".", dir_fd=folder, follow_symlinks=False))
    descriptor = os.open(name, _SAFELY, dir_fd=folder)
    try:
        _check_regular(os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ENXIO, "it is no regular file")


def _meaning(error: OSError, path: Path) -> MillraceError:
    name = shown(str(path))
    if error.errno in _MISSING:
        return SourceMissing(f"source: there is no file {name}")
    if error.errno in _FORBIDDEN:
        return SourceForbidden(f"source: {name} may not be read: {error.strerror}")
    return SourceUnavailable(f"source: {name} could not be read: {error.strerror}")
