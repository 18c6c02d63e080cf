"""From what a person names to the sources of jobs: files, folders, globs, addresses."""

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from millrace.cli.errors import Misuse
from services.download.sniff import HEAD_BYTES, recognise

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCHEMES = ("http", "https", "s3", "file")
_UNFIT = re.compile(r"[{}\x00-\x1f\x7f]")
_LONGEST_SEGMENT = 80


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


def find(named: list[str]) -> Found:
    """All sources that are named, each once, in order.

    Raises:
        Misuse: something that is named is not there, or has no photo or film in it.
    """
    sources: dict[str, Source] = {}
    skipped: list[Path] = []
    for name in named:
        for source in _address(name) if _ADDRESS.match(name) else _files(name, skipped):
            sources.setdefault(source.address, source)
    return Found([*sources.values()], skipped)


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


def _files(name: str, skipped: list[Path]) -> Iterator[Source]:
    path = Path(name)
    if path.is_dir():
        yield from _some(_media_below(path, skipped), f"no photo and no film in the folder {name}")
    elif path.exists():
        yield _file(path, shown=name)
    elif glob.has_magic(name):
        yield from _some(_matching(name, skipped), f"nothing matches {name}")
    else:
        raise Misuse(f"there is no file or folder {name}")


def _some(sources: Iterator[Source], otherwise: str) -> Iterator[Source]:
    first = next(sources, None)
    if first is None:
        raise Misuse(otherwise)
    yield first
    yield from sources


def _matching(pattern: str, skipped: list[Path]) -> Iterator[Source]:
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - also absolute ones
        if Path(name).is_dir():
            yield from _media_below(Path(name), skipped)
        else:
            yield from _if_media(Path(name), Path(name).parent, skipped)


def _media_below(folder: Path, skipped: list[Path]) -> Iterator[Source]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield from _if_media(Path(where) / name, folder, skipped)


def _if_media(path: Path, folder: Path, skipped: list[Path]) -> Iterator[Source]:
    """The file if its bytes say that it is a photo or a film; `folder` is what was named."""
    if _is_media(path):
        yield _file(path, shown=str(path), below=path.relative_to(folder).parent)
    else:
        skipped.append(path)


def _is_media(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return recognise(file.read(HEAD_BYTES), path.stat().st_size) is not None
    except OSError:
        return False


def _file(path: Path, shown: str, below: Path = Path()) -> Source:
    resolved = path.resolve()
    stem = "/".join(_fit(part) for part in (*below.parts, path.stem))
    return Source(resolved.as_uri(), shown, resolved, stem)


def _fit(name: str) -> str:
    """`name` as one segment of a destination: nothing in it stands for anything else."""
    fit = _UNFIT.sub("_", name)[:_LONGEST_SEGMENT]
    return "_" + fit if fit in ("", ".", "..", ".millrace") else fit
