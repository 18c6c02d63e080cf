"""The GPU's batches in one process, without children, sockets and encoders."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.process.image.engine import Target
from services.process.image.gpu.batches import Batches, Done
from services.process.image.gpu.decode import Decoder, NvImageCodec
from services.process.image.gpu.device import Device
from services.process.image.gpu.nvidia import Nvidia
from services.process.image.gpu.wire import Blur, Decode, Resize
from services.process.image.operations import PHOTOS
from services.process.plan import plan
from shared.jobs import Operation

_OPERATIONS = (
    *(part for part in PHOTOS.presets["web"] if part.op == "resize"),
    Operation(op="blur"),
)
FILES = tuple(
    wish
    for recipe in plan(_OPERATIONS, PHOTOS)
    for wish in recipe.wishes()
    if isinstance(wish, Target)
)


@dataclass(frozen=True)
class Hardware:
    """The GPU that is measured."""

    device: Callable[[], Device] = Nvidia
    decoder: Callable[[], Decoder] = NvImageCodec


def alone(size: int, photos: Sequence[Path], hardware: Hardware) -> float:
    """Seconds for all photos in batches of `size`, in a process that ends with its CUDA context."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        return process.submit(_in_batches, size, photos, hardware).result()


def _in_batches(size: int, photos: Sequence[Path], hardware: Hardware) -> float:
    batches = Batches(hardware.device(), hardware.decoder(), size)
    threading.Thread(target=batches.run, daemon=True).start()
    files = [photo.read_bytes() for photo in photos]
    groups = [files[start : start + size] for start in range(0, len(files), size)]
    _group(batches, groups[0])
    begun = time.perf_counter()
    for group in groups:
        _group(batches, group)
    return time.perf_counter() - begun


def _group(batches: Batches, files: Sequence[bytes]) -> None:
    """Decode them, and make each size from the next larger one, as the engines do."""
    done = _all(batches.ask(Decode(size=len(file)), file) for file in files)
    for target in sorted(_distinct(), key=lambda target: -(target.width or 0)):
        done = _all(batches.ask(_resize(one, target), one[1]) for one in done)
        if target.blur:
            done = _all(batches.ask(_blur(one, target.blur), one[1]) for one in done)


def _distinct() -> Iterator[Target]:
    yield from {target.name: target for target in FILES}.values()


def _all(asked: Iterator[Any]) -> list[Done]:
    return [future.result() for future in list(asked)]


def _resize(done: Done, target: Target) -> Resize:
    """In the target's box, but no larger than it is."""
    width, height = done[0].width, done[0].height
    scale = min(1.0, (target.width or width) / width, (target.height or height) / height)
    return Resize(
        width=width,
        height=height,
        channels=done[0].channels,
        columns=max(1, round(width * scale)),
        rows=max(1, round(height * scale)),
        left=0.0,
        top=0.0,
        right=float(width),
        bottom=float(height),
    )


def _blur(done: Done, sigma: float) -> Blur:
    answer = done[0]
    return Blur(width=answer.width, height=answer.height, channels=answer.channels, sigma=sigma)
