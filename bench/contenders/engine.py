"""Millrace's own engine in its pool of warm children, without any messages.

python -m bench.contenders.engine TASK.json
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bench.images_task import Made, Photo, Task, contender, measured
from services.process.media import Media
from services.process.settings import ProcessSettings
from services.process.stage import opened
from shared.jobs import Operation
from shared.work import Spent, Work

Make = Callable[[Photo], Awaitable[float]]


@dataclass
class Desk:
    """As much of a `Work` as the engine asks for."""

    directory: Path
    lock: int
    spent: Spent = field(default_factory=Spent)

    def relative(self, path: Path) -> str:
        """The file's own name."""
        return path.name

    def progress(self, percent: float, **details: object) -> None:
        """Nobody watches."""


def main(task: Task) -> Made:
    """Make all outputs, as many photos at once as there are cores."""
    return asyncio.run(_main(task))


async def _main(task: Task) -> Made:
    settings = ProcessSettings(process_workers=task.cores, process_concurrency=task.cores)
    async with opened(settings) as process:
        with tempfile.TemporaryDirectory() as folder:  # children start, codecs are loaded
            make = _maker(process.media["image"], task, Path(folder))
            await asyncio.gather(
                *(make(Photo(str(n), task.photos[0].path)) for n in range(task.cores))
            )
        waiting, make = list(task.photos), _maker(process.media["image"], task, Path(task.folder))
        with measured() as made:
            await asyncio.gather(*(_take(waiting, make, made) for _ in range(task.cores)))
    return made


async def _take(waiting: list[Photo], make: Make, made: Made) -> None:
    while waiting:
        spent = await make(waiting.pop(0))
        made.cpu_seconds += spent


def _maker(media: Media, task: Task, folder: Path) -> Make:
    """Makes a photo's outputs; gives the children's processor time."""
    operations = tuple(Operation.model_validate(one) for one in task.operations)

    async def make(photo: Photo) -> float:
        directory = folder / photo.name
        directory.mkdir()
        lock = os.open(directory, os.O_RDONLY)
        desk = Desk(directory, lock)
        try:
            await media.make(Path(photo.path), operations, cast(Work, desk))
        finally:
            os.close(lock)
        return desk.spent.cpu_seconds

    return make


if __name__ == "__main__":
    contender(main, sys.argv)
