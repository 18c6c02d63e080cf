"""What a stage tells about itself once it is wired."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from millrace.embedded import LANE
from millrace.settings import read
from millrace.wiring import Backends, run, standing_on, wired
from services.process.image.gpu.gpu import Gpu
from shared.broker.memory import MemoryBroker
from tests.processor.device import Processor


@pytest.fixture
async def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Backends]:
    monkeypatch.setenv("TEMP_DIR", str(tmp_path / "temp"))
    monkeypatch.setenv("UPLOAD_PATH", str(tmp_path / "uploads"))
    monkeypatch.setenv("PROCESS_WORKERS", "1")
    async with standing_on(MemoryBroker(), LANE, read) as backends:
        yield backends


async def test_process_tells_which_engine_it_takes_and_why(on: Backends) -> None:
    async with wired("process", on) as one:
        details = one.running.details
        assert (details["engine"], details["engineTaken"]) == ("auto", "vips")
        assert "GPU only if it is named" in details["engineReason"]
        assert "gpu" not in details
        assert b"millrace_gpu" not in one.metrics.exposition()


async def test_process_names_its_gpu_and_counts_its_work(
    on: Backends, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROCESS_ENGINE", "cuda")
    monkeypatch.setattr(Gpu, "opened", partial(Gpu.opened, device=Processor))
    async with wired("process", on) as one:
        assert one.running.details["engineTaken"] == "cuda"
        assert one.running.details["gpu"] == "processor"
        counted = one.metrics.exposition().decode().splitlines()
        assert 'millrace_gpu_pictures_total{outcome="done"} 0.0' in counted
        assert "millrace_gpu_resting 0.0" in counted


def test_what_holds_threads_for_long_keeps_nobody_else_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()

    async def main() -> None:
        held = [asyncio.create_task(asyncio.to_thread(release.wait)) for _ in range(48)]
        await asyncio.sleep(0)  # each has its thread, or its place in the line
        try:
            async with asyncio.timeout(20):
                await asyncio.to_thread(os.getpid)
        finally:
            release.set()
            await asyncio.gather(*held)

    monkeypatch.delenv("UV_THREADPOOL_SIZE", raising=False)
    run(main())
    assert int(os.environ["UV_THREADPOOL_SIZE"]) > 48  # libuv reads it when it begins
