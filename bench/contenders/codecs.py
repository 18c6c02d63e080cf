"""The codecs alone, with the settings of the engine: the limit of its speed.

    python -m bench.contenders.codecs TASK.json

Each core renders photos with libvips' engine, and only what passes inside decoders and encoders
is counted: the time of a program that had nothing else to do, and no photo left over at the end.
"""

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.images_task import Made, Photo, Task, contender
from services.process.children import MODEST
from services.process.image.engine import Limits, Wish
from services.process.image.operations import PHOTOS
from services.process.image.vips import engine
from services.process.plan import plan
from shared.jobs import Operation

_inside = [0.0]  # seconds in codecs, in this process


def main(task: Task) -> Made:
    """Make all outputs, but count the codecs alone."""
    operations = tuple(Operation.model_validate(one) for one in task.operations)
    wishes = [wish for recipe in plan(operations, PHOTOS) for wish in recipe.wishes()]
    os.environ.update(MODEST)
    fresh = get_context("spawn")
    with ProcessPoolExecutor(task.cores, mp_context=fresh, initializer=_watch) as processes:
        seconds = sum(processes.map(partial(_seconds, wishes, task.folder), task.photos))
    return Made(seconds / task.cores, seconds)


def _watch() -> None:
    for name, counted in (("encode", _counted), ("shrunk_by_decoder", _decoded)):
        setattr(engine, name, partial(counted, getattr(engine, name)))


def _counted(function: Any, *arguments: Any) -> Any:
    started = time.perf_counter()
    result = function(*arguments)
    _inside[0] += time.perf_counter() - started
    return result


def _decoded(shrunk: Any, *arguments: Any) -> Any:
    """All pixels at once, instead of when they are asked for."""
    layer = shrunk(*arguments)
    return replace(layer, image=_counted(layer.image.copy_memory))


def _seconds(wishes: Sequence[Wish], folder: str, photo: Photo) -> float:
    before = _inside[0]
    directory = Path(folder, photo.name)
    directory.mkdir()
    engine.Vips(Limits(10**9)).render(Path(photo.path), wishes, directory)
    return _inside[0] - before


if __name__ == "__main__":
    contender(main, sys.argv)
