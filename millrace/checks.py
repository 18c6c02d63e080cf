"""Can this machine do what the services need? One finding for each thing that is tried."""

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from millrace.settings import read
from millrace.wiring import open_broker, open_storage, open_workspace
from shared.broker.topology import Lane, Topology
from shared.errors import EngineUnavailable, MillraceError, WorkspaceFull
from shared.settings import BrokerSettings, WorkspaceSettings
from shared.storage.settings import StorageSettings

GIB = 2**30
_GPU_SECONDS = 20


@dataclass(frozen=True)
class Finding:
    """What trying one thing gave: `none` is the verdict on what nobody needs."""

    what: str
    verdict: Literal["ok", "none", "FAILED"]
    detail: str


async def every_check() -> list[Finding]:
    """All findings, in a fixed order."""
    tries: dict[str, Callable[[], Awaitable[str]]] = {
        "broker": _broker,
        "storage": _storage,
        "disk": _disk,
        "photos": _photos,
        "films": _films,
        "limits": _limits,
    }
    needed = [_finding(what, attempt) for what, attempt in tries.items()]
    return [*await asyncio.gather(*needed), _isolation(), await asyncio.to_thread(_gpu)]


async def _finding(what: str, attempt: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(what, "ok", await attempt())
    except MillraceError as error:
        return Finding(what, "FAILED", str(error))


async def _broker() -> str:
    settings = read(BrokerSettings)
    broker = open_broker(settings, "check")
    try:
        await broker.declare(Topology((), ()))
    finally:
        await broker.close()
    return f"RabbitMQ answers; queues begin with {settings.queue_prefix}"


async def _storage() -> str:
    settings = read(StorageSettings)
    storage = open_storage(settings)
    try:
        await storage.check()
    finally:
        await storage.close()
    where = settings.upload_path if settings.storage_mode == "local" else settings.bucket.name
    return f"{settings.storage_mode}: {where} can be written"


async def _disk() -> str:
    settings = read(WorkspaceSettings)
    workspace = open_workspace(settings, Lane(read(BrokerSettings).queue_prefix))
    free, total = workspace.space()
    if workspace.low:
        raise WorkspaceFull(
            f"TEMP_DIR: {free / GIB:.1f} GiB are free in {settings.temp_dir}, less than "
            "DISK_FLOOR_BYTES"
        )
    return f"{free / GIB:.1f} of {total / GIB:.1f} GiB are free in {settings.temp_dir}"


async def _photos() -> str:
    from services.process.image.select import engine
    from services.process.settings import ProcessSettings
    from services.process.stage import gpu_of

    settings = read(ProcessSettings)
    async with gpu_of(settings) as gpu:
        if gpu is not None and gpu.fault is not None:
            raise EngineUnavailable(f"PROCESS_ENGINE: cuda: {gpu.fault}")
        if gpu is not None:
            return gpu.name
    found = await asyncio.to_thread(engine, settings.process_engine, settings.limits)
    return found.name


async def _films() -> str:
    from services.process.video.ffmpeg.ffmpeg import find
    from services.process.video.settings import FilmSettings

    found = await asyncio.to_thread(find, read(FilmSettings).ffmpeg)
    return f"{found.name} ({found.path})"


async def _limits() -> str:
    from millrace.limits import limits

    return "; ".join(limits(read))


def _isolation() -> Finding:
    """Whether the children that open strangers' files are kept from the network."""
    from services.process.seccomp import fault

    if reason := fault():
        return Finding("isolation", "none", f"children can reach the network: {reason}")
    return Finding("isolation", "ok", "children have no network (seccomp)")


def _gpu() -> Finding:
    """Which NVIDIA GPUs the driver sees. Nothing needs one."""
    try:
        return Finding("GPU", "ok", _nvidia())
    except (EngineUnavailable, OSError, subprocess.SubprocessError) as error:
        return Finding("GPU", "none", str(error))


def _nvidia() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        raise EngineUnavailable("no NVIDIA driver here; none is needed")
    asked = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=_GPU_SECONDS, check=True)
    return "; ".join(answer.stdout.strip().splitlines())
