"""From what a person names to the sources of jobs: files, folders, globs, addresses."""

import glob
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from millrace.cli.errors import Misuse
from services.download.sniff import media_of
from shared.storage.keys import PRIVATE

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCHEMES = ("http", "https", "s3", "file")
# What every file system, and with what follows it every storage, takes as a name.
_SEGMENT_LETTERS = 80
_SEGMENT_BYTES = 240
_STEM_BYTES = 500


@dataclass(frozen=True)
class Source:
    """One photo or film.

    Attributes:
        address: as messages name it: `https://…`, `s3://…`, `file:///…`.
        shown: as the person named it.
        path: the file, where it is one on this machine; without links on the way.
        stem: what its results are named after, as segments joined by slashes.
    """

    address: str
    shown: str
    path: Path | None
    stem: str


@dataclass
class Found:
    """What was named.

    Attributes:
        skipped: files in folders that are neither photos nor films.
    """

    sources: list[Source]
    skipped: list[Path]


def find(named: list[str], out: Path | None = None) -> Found:
    """All sources that are named, each once, in order.

    Args:
        out: the folder that results go to: what lies in it is no source, unless it is named.

    Raises:
        Misuse: something that is named is not there, or has no photo or film in it.
    """
    sources: dict[str, Source] = {}
    search = _Search(out.resolve() if out else None)
    for name in named:
        for source in _address(name) if _ADDRESS.match(name) else search.files(name):
            sources.setdefault(source.address, source)
    return Found([*sources.values()], search.skipped)


def _address(name: str) -> Iterator[Source]:
    parts = urlsplit(name)
    if parts.scheme.lower() not in _SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise Misuse(f"{name} must be a file, a folder, or begin with one of {known}")
    if parts.scheme.lower() == "file":
        yield _file(Path(unquote(parts.path)), shown=name)
        return
    last = unquote(parts.path).rstrip("/").rpartition("/")[2]
    yield Source(name, name, None, _fit(Path(last).stem or parts.netloc))


class _Search:
    """Looks for files on this machine.

    Attributes:
        skipped: those that were found beside the media.
    """

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self.skipped: list[Path] = []

    def files(self, name: str) -> Iterator[Source]:
        """What `name` stands for: a file, the media in a folder, or those that match."""
        path = Path(name)
        if path.is_dir():
            yield from _some(self._below(path), f"no photo and no film in the folder {name}")
        elif path.exists():
            yield _file(path, shown=name)
        elif glob.has_magic(name):
            yield from _some(self._matching(name), f"no photo and no film matches {name}")
        else:
            raise Misuse(f"there is no file or folder {name}")

    def _matching(self, pattern: str) -> Iterator[Source]:
        for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - also absolute
            path = Path(name)
            yield from self._below(path) if path.is_dir() else self._if_media(path, path.parent)

    def _below(self, folder: Path) -> Iterator[Source]:
        for where, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if self._is_wanted(Path(where, name)))
            for name in sorted(files):
                if not name.startswith("."):
                    yield from self._if_media(Path(where, name), folder)

    def _is_wanted(self, folder: Path) -> bool:
        return not folder.name.startswith(".") and folder.resolve() != self._out

    def _if_media(self, path: Path, folder: Path) -> Iterator[Source]:
        """The file if its bytes say that it is a photo or a film; `folder` is what was named."""
        if _is_media(path):
            yield _file(path, shown=str(path), below=path.relative_to(folder).parent)
        else:
            self.skipped.append(path)


def _some(sources: Iterator[Source], otherwise: str) -> Iterator[Source]:
    """`sources`, of which there has to be one."""
    first = next(sources, None)
    if first is None:
        raise Misuse(otherwise)
    yield first
    yield from sources


def _is_media(path: Path) -> bool:
    try:
        status = path.stat()
        # Opening a pipe waits for its other end, and opening a device can do things.
        if not stat.S_ISREG(status.st_mode):
            return False
        with path.open("rb") as file:
            return media_of(file) is not None
    except OSError:
        return False


def _file(path: Path, shown: str, below: Path = Path()) -> Source:
    resolved = path.resolve()
    stem = _joined([_fit(part) for part in (*below.parts, path.stem)])
    return Source(resolved.as_uri(), shown, resolved, stem)


def _joined(segments: list[str]) -> str:
    """`segments` as one path; of one that is too long for a key, the innermost of them."""
    path, *outer = reversed(segments)
    for segment in outer:
        if len(f"{segment}/{path}".encode()) > _STEM_BYTES:
            break
        path = f"{segment}/{path}"
    return path


def _fit(name: str) -> str:
    """`name` as one segment of a destination: nothing in it stands for anything else.

    Any storage takes it, also where the file system's own name is none: a macOS screenshot has
    spaces that cannot be printed, and a name that is no UTF-8 has no letters at all.
    """
    plain = "".join(one if one.isprintable() and one not in "{}/" else "_" for one in name)
    fit = plain[:_SEGMENT_LETTERS].encode()[:_SEGMENT_BYTES].decode(errors="ignore")
    taken = fit in ("", ".", "..") or fit.casefold() == PRIVATE
    return "_" + fit if taken else fit
