"""From sources and options to jobs."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from millrace.cli.errors import Misuse
from millrace.cli.operations import parse
from millrace.cli.sources import Source
from shared.destination import validate
from shared.errors import InvalidJob
from shared.jobs import DEFAULT_DESTINATION, DownloadJob, Operation

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Job:
    """One source with what is to be made of it."""

    source: Source
    message: DownloadJob

    @property
    def id(self) -> str:
        """The job's id."""
        return self.message.job_id


@dataclass(frozen=True)
class Wish:
    """What is to be made of every source.

    Attributes:
        destination: a key template.
    """

    operations: tuple[Operation, ...] | None = None
    destination: str | None = None
    keep_original: bool = False
    overwrite: bool = False
    metadata: dict[str, str] | None = None

    def job(self, source: Source, destination: str = DEFAULT_DESTINATION) -> Job:
        """The job for one source; `destination` counts where the wish has none."""
        message = DownloadJob(
            job_id=f"{_plain(source.stem)}-{secrets.token_hex(4)}",
            source=source.address,
            operations=self.operations,
            destination=self.destination or destination,
            metadata=self.metadata or {},
            keep_original=self.keep_original,
            overwrite=self.overwrite,
        )
        return Job(source, message)


def wish(
    presets: list[str],
    operations: list[str],
    destination: str | None,
    keep_original: bool,
    overwrite: bool,
    metadata: list[str],
) -> Wish:
    """The options of a command, checked before any work is done.

    Raises:
        Misuse: one of them is wrong.
    """
    pairs = dict(_pair(text) for text in metadata)
    if destination is not None:
        try:
            validate(destination, pairs)
        except InvalidJob as error:
            raise Misuse(str(error)) from None
    wanted = parse(presets, operations)
    return Wish(wanted, destination, keep_original, overwrite, pairs)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise Misuse(f"--meta: '{text}' must be a key and a value: userId=42")
    return key, value


def _plain(stem: str) -> str:
    last = stem.rpartition("/")[2]
    return _UNSAFE.sub("-", last).strip("-_")[:40] or "job"


def by_stem(sources: list[Source]) -> Callable[[Source], str]:
    """A destination for each source: a folder named after it, numbered where two share a name."""
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for source in sources:
        folder, number = source.stem, 1
        while folder.casefold() in taken:
            number += 1
            folder = f"{source.stem}-{number}"
        taken.add(folder.casefold())
        folders[source.address] = folder
    return lambda source: folders[source.address] + "/{name}.{ext}"
