"""What `bench.gpu` has done: by the engines in their children, or by the GPU's batches alone."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry

from bench.contenders.engine import Desk
from bench.cpu import used
from bench.gpu_alone import FILES, Hardware, alone
from services.process.image.engine import Limits, Pixels, Reading, Target, Wish
from services.process.image.gpu.gpu import Gpu
from services.process.image.gpu.line import Use
from services.process.image.look import Look
from services.process.image.select import EngineName, render, render_on_gpu, warm
from services.process.pools import Pool
from services.process.settings import ProcessSettings
from shared.errors import EngineUnavailable
from shared.work import Work

_PHOTO_SECONDS = 600.0


@dataclass(frozen=True)
class Nothing:
    """Has a picture made, and says nothing of it."""

    def __call__(self, pixels: Pixels, source: Path) -> dict[str, Any]:
        """See `Reader`."""
        return {}


def _look(target: Target) -> dict[str, Any]:
    return {one.name: getattr(target, one.name) for one in fields(Look)}


# The pictures of `FILES`, each once, and encoded in no format.
PIXELS = tuple(
    {target.name: Reading(target.name, Nothing(), **_look(target)) for target in FILES}.values()
)


@dataclass(frozen=True)
class Contender:
    """Who takes part.

    Attributes:
        at_once: photos, each in a child of its own; for the GPU, the most in a batch as well.
        decodes: whether the GPU decodes too.
        alone: without children and encoders: the GPU's batches in one process, files in memory.
    """

    name: str
    at_once: int
    engine: EngineName = "cuda"
    decodes: bool = False
    alone: bool = False


@dataclass
class Round:
    """What one contender showed in one round.

    Attributes:
        pixels, files: photos per second without and with encoding; 0 where that was not done.
        cpu: CPU seconds a photo took without encoding, of all processes.
        together: how many resizes, blurs and decodings a batch had; 0 where there are none.
        without: photos that the GPU failed at, so that the processor made them.
    """

    pixels: float = 0.0
    files: float = 0.0
    cpu: float = 0.0
    together: float = 0.0
    without: int = 0


async def measured(contender: Contender, photos: Sequence[Path], hardware: Hardware) -> Round:
    """Have a contender make all photos, in processes that are warm when its time begins.

    Raises:
        EngineUnavailable: there is no such GPU, or it gives other pixels than Pillow.
    """
    photos = _enough(photos, contender.at_once)
    if contender.alone:
        return Round(
            pixels=len(photos) / await asyncio.to_thread(alone, contender.at_once, photos, hardware)
        )
    async with _opened(contender, hardware) as engine:
        gpu, made = engine.gpu, partial(_made, engine, at_once=contender.at_once)
        await made((*PIXELS, *FILES), photos[:1] * contender.at_once)
        before, began = used([os.getpid()]), _counted(gpu)
        pixels = await made(PIXELS, photos)
        cpu, ended = used([os.getpid()]) - before, _counted(gpu)
        files = await made(FILES, photos)
        frames, batches = (after - first for after, first in zip(ended, began, strict=True))
        return Round(
            pixels=len(photos) / pixels,
            files=len(photos) / files,
            cpu=cpu.contender / len(photos),
            together=frames / batches if batches else 0,
            without=_without(gpu),
        )


def _enough(photos: Sequence[Path], at_once: int) -> list[Path]:
    """All photos as often as it takes for each child to make some: the same mix for everybody."""
    return [*photos] * -(-4 * at_once // len(photos))


# ── in children, as in the service ───────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Engine:
    """As much of the service's `Pictures` as answers without outputs."""

    name: EngineName
    limits: Limits
    pool: Pool
    gpu: Gpu | None

    async def make(self, photo: Path, wishes: Sequence[Wish], directory: Path, lock: int) -> None:
        """All wishes, in the child that is free first."""
        name = "pillow" if self.gpu and self.gpu.resting else self.name
        use = await self.pool.call(
            *(_rendered, name, self.limits, photo.absolute(), tuple(wishes), directory),
            seconds=_PHOTO_SECONDS,
            work=cast(Work, Desk(directory, lock)),
        )
        if self.gpu and use:
            self.gpu.told(use)
        elif self.gpu:
            self.gpu.tally.passed_over()


def _rendered(
    name: EngineName, limits: Limits, photo: Path, wishes: Sequence[Wish], directory: Path
) -> Use | None:
    """What became of the GPU's part. An answer cannot name the outputs: `Nothing` is of no service."""
    if name == "cuda":
        return render_on_gpu(limits, photo, wishes, directory)[1]
    render(name, limits, photo, wishes, directory)
    return None


@asynccontextmanager
async def _opened(contender: Contender, hardware: Hardware) -> AsyncIterator[_Engine]:
    settings = ProcessSettings()
    limits = Limits(settings.max_image_pixels, gpu_decode=contender.decodes)
    prepare = partial(warm, contender.engine, limits)
    async with (
        _gpu(contender, limits, hardware) as gpu,
        Pool.opened(contender.at_once, settings.bounds, prepare, gpu) as pool,
    ):
        yield _Engine(contender.engine, limits, pool, gpu)


@asynccontextmanager
async def _gpu(
    contender: Contender, limits: Limits, hardware: Hardware
) -> AsyncIterator[Gpu | None]:
    if contender.engine != "cuda":
        yield None
        return
    device, decoder = hardware.device, hardware.decoder
    async with Gpu.opened(limits, device, decoder, contender.at_once) as gpu:
        if gpu.fault is not None:
            raise EngineUnavailable(gpu.fault)
        yield gpu


async def _made(
    engine: _Engine, wishes: Sequence[Wish], photos: Sequence[Path], at_once: int
) -> float:
    """Seconds for all of them."""
    waiting = list(enumerate(photos))

    async def take(folder: Path) -> None:
        while waiting:
            number, photo = waiting.pop()
            (directory := folder / str(number)).mkdir()
            lock = os.open(directory, os.O_RDONLY)
            try:
                await engine.make(photo, wishes, directory, lock)
            finally:
                os.close(lock)

    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        begun = time.perf_counter()
        await asyncio.gather(*(take(Path(folder)) for _ in range(at_once)))
        return time.perf_counter() - begun


def _counted(gpu: Gpu | None) -> tuple[float, float]:
    return _told(gpu, "frames_total"), _told(gpu, "batches_total")


def _without(gpu: Gpu | None) -> int:
    return int(sum(_told(gpu, "pictures_total", outcome=one) for one in ("failed", "resting")))


def _told(gpu: Gpu | None, name: str, **labels: str) -> float:
    registry = CollectorRegistry()
    for collector in gpu.tally.collectors if gpu else ():
        registry.register(collector)
    return registry.get_sample_value(f"millrace_gpu_{name}", labels) or 0.0
