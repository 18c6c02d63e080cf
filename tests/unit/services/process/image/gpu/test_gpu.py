"""The GPU's life in a service, with real processes, on the processor."""

import asyncio
import resource
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.process.child import Bounds
from services.process.image.engine import Limits, Target
from services.process.image.gpu.device import Array, Device, Memory
from services.process.image.gpu.gpu import Gpu
from services.process.image.gpu.nvidia import Nvidia
from services.process.image.pictures import Pictures
from services.process.image.select import warm
from services.process.pools import Pool
from shared.errors import EngineUnavailable
from shared.jobs import Output
from shared.workspace import Attempt
from tests.processor.device import Processor
from tests.waiting import until

LIMITS = Limits(pixels=10**7)
BOUNDS = Bounds(memory_bytes=2**32, file_bytes=2**24, open_files=64, niceness=0)
FATAL, BAD, CURIOUS = 4321, 4322, 4323  # bytes of pictures that no proof and no other test asks for

pytestmark = [pytest.mark.timeout(90), pytest.mark.usefixtures("processor")]


class Moody(Processor):
    """Fails at a bad picture, and takes its process with it at a fatal one."""

    name = "moody 1"

    def put(self, values: Array) -> Memory:
        if values.size == FATAL:
            signal.raise_signal(signal.SIGSEGV)  # os.kill's may come after the answer
        if values.size == BAD:
            raise RuntimeError("an illegal address")
        if values.size == CURIOUS:
            raise RuntimeError(f"CPU time: {resource.getrlimit(resource.RLIMIT_CPU)[0]}")
        return super().put(values)


class Wrong(Processor):
    """Gives other pixels."""

    def get(self, memory: Memory) -> NDArray[np.uint8]:
        return 255 - super().get(memory)


def missing() -> Device:
    raise EngineUnavailable("PROCESS_ENGINE: cuda: no GPU can be used here")


class Service:
    """As much of the process service as makes pictures."""

    def __init__(self, gpu: Gpu, pictures: Pictures, work: Attempt, folder: Path) -> None:
        self.gpu = gpu
        self._pictures = pictures
        self._work = work
        self._folder = folder
        self._made = 0

    async def make(self, pixels: int = 4000) -> Output:
        """A thumbnail of a picture of so many grey pixels."""
        self._made += 1
        source = self._folder / f"{self._made}.png"
        noise = np.random.default_rng(self._made).bytes(pixels)
        Image.frombytes("L", (pixels, 1), noise).save(source)
        target = Target(f"t{self._made}", "png", width=97)
        (output,) = await self._pictures.render(source, [target], self._work)
        with Image.open(self._work.locate(output.path)) as made, Image.open(source) as whole:
            expected = whole.resize(made.size, Image.Resampling.LANCZOS)
            assert made.convert("L").tobytes() == expected.tobytes()
        return output

    def counted(self, name: str, **labels: str) -> float | None:
        """What Prometheus would be told."""
        registry = CollectorRegistry()
        for collector in self.gpu.tally.collectors:
            registry.register(collector)
        return registry.get_sample_value(f"millrace_gpu_{name}", labels)


@asynccontextmanager
async def service(
    device: Callable[[], Device], work: Attempt, folder: Path, children: int = 1
) -> AsyncIterator[Service]:
    prepare = partial(warm, "cuda", LIMITS)
    async with (
        Gpu.opened(LIMITS, device) as gpu,
        Pool.opened(children, BOUNDS, prepare, gpu) as pool,
    ):
        pictures = Pictures(pool, "cuda", LIMITS, seconds=30, gpu=gpu)
        yield Service(gpu, pictures, work, folder)


@pytest.fixture
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.process.image.gpu.gpu.REST_SECONDS", 0.1)


async def test_pictures_of_several_children_are_made_by_the_gpu(
    work: Attempt, tmp_path: Path
) -> None:
    async with service(Moody, work, tmp_path, children=3) as one:
        made = await asyncio.gather(*(one.make() for _ in range(9)))
        assert {output.engine for output in made} == {"moody 1"}
        assert one.counted("pictures_total", outcome="done") == 9
        assert one.counted("frames_total") == 9
        assert 1 <= (one.counted("batches_total") or 0) <= 9
        assert one.counted("resting") == one.counted("rests_total") == 0


async def test_a_gpu_that_fails_again_and_again_rests_for_a_while(
    work: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(Moody, work, tmp_path) as one:
        for failures in (1, 2, 3):
            assert not one.gpu.resting
            assert (await one.make(BAD)).engine != "moody 1"
            assert one.counted("pictures_total", outcome="failed") == failures
            if failures < 3:
                assert (await one.make()).engine == "moody 1"
        await until(lambda: one.gpu.resting)
        assert (await one.make()).engine != "moody 1"
        assert one.counted("pictures_total", outcome="resting") == 1
        assert one.counted("resting") == one.counted("rests_total") == 1


async def test_the_process_of_the_gpu_may_work_for_ever(work: Attempt, tmp_path: Path) -> None:
    """Children have so much CPU time for each call; it has only one, at its start."""
    async with service(Moody, work, tmp_path) as one:
        with capture_logs() as logs:
            await one.make(CURIOUS)
        unlimited = f"RuntimeError: CPU time: {resource.RLIM_INFINITY}"
        assert [line["reason"] for line in logs] == [unlimited]


@pytest.mark.usefixtures("short_rests")
async def test_a_gpu_whose_process_died_is_back_after_its_rest(
    work: Attempt, tmp_path: Path
) -> None:
    async with service(Moody, work, tmp_path) as one:
        assert (await one.make()).engine == "moody 1"
        assert (await one.make(FATAL)).engine != "moody 1"
        await until(lambda: one.gpu.generation == 2)
        assert (await one.make()).engine == "moody 1"
        assert one.counted("rests_total") == 1
        assert one.counted("resting") == 0


@pytest.mark.usefixtures("short_rests")
async def test_a_gpu_with_other_pixels_than_pillow_never_gets_a_picture(
    work: Attempt, tmp_path: Path
) -> None:
    async with service(Wrong, work, tmp_path) as one:
        assert one.gpu.resting
        assert (await one.make()).engine != "processor"
        await until(lambda: (one.counted("rests_total") or 0) >= 2)
        assert (await one.make()).engine != "processor"
        assert one.counted("frames_total") == 0


async def test_without_a_device_the_service_does_not_start(work: Attempt, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"^PROCESS_ENGINE: cuda: no GPU can be used here$"):
        async with service(missing, work, tmp_path):
            pass


@pytest.mark.gpu
async def test_pictures_are_made_by_a_real_gpu(work: Attempt, tmp_path: Path) -> None:
    pytest.importorskip("cupy", reason="CuPy (the extra gpu) is not here")
    async with service(Nvidia, work, tmp_path, children=3) as one:
        made = await asyncio.gather(*(one.make() for _ in range(9)))
        assert {output.engine for output in made} == {one.gpu.name}
        assert one.gpu.name.startswith("cuda ")
