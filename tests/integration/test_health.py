"""`/health` tells what is wrong: each trouble is caused, and shows, and goes again."""

import asyncio
import json
import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import aiormq
import pytest

from services.cleanup import sweep as sweeping
from services.cleanup.settings import CleanupSettings
from services.cleanup.sweep import Sweep
from services.process.pools import Pool
from shared.broker.rabbitmq import RabbitMQ
from shared.observe.health import Check, Health
from shared.storage.memory import MemoryStorage
from tests.flow import Flow, flow
from tests.integration.running import started
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.unit.services.process.test_pools import BOUNDS
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("impatient")


def health_of(one: Flow, stage: Any = "download", *checks: Check) -> Health:
    return Health(
        stage, one.broker, one.consumers[stage], one.workspace, one.metrics[stage], checks
    )


def says(health: Health, *sentences: str) -> bool:
    """Whether it is degraded for these reasons, and no others."""
    reasons = health.reasons()
    return len(reasons) == len(sentences) and all(
        sentence in reason for sentence, reason in zip(sentences, reasons, strict=True)
    )


@asynccontextmanager
async def on_rabbitmq(url: str, root: Path) -> AsyncIterator[Flow]:
    broker = RabbitMQ(url, "health", confirm_seconds=1)
    try:
        async with flow(root, broker) as one:
            yield one
    finally:
        await broker.close()


async def test_a_consumer_that_the_broker_has_dropped(amqp_url: str, tmp_path: Path) -> None:
    """Its connection lives, and nothing comes any more: the queue was deleted."""
    async with on_rabbitmq(amqp_url, tmp_path) as one:
        health = health_of(one)
        await until(lambda: says(health))
        connection = await aiormq.connect(amqp_url)
        channel = await connection.channel()
        await channel.queue_delete(one.lane.queue("download"))
        await until(lambda: says(health, "the consumer is gone"), "the consumer is gone")
        assert one.broker.connected
        assert (await health.report())["broker"] == {"connected": True, "consuming": False}
        await one.broker.declare(one.lane.topology)
        await until(lambda: says(health), "well again")
        await one.submit()
        assert (await one.end_of())["outcome"] == "completed"
        for queue in one.lane.topology.queues:
            await channel.queue_delete(queue.name)
        await connection.close()


async def test_a_broker_that_takes_no_messages(
    private_rabbitmq: PrivateRabbitMQ, tmp_path: Path
) -> None:
    """Its memory alarm stops publishers, and answers nothing."""
    async with on_rabbitmq(private_rabbitmq.url, tmp_path) as one:
        health = health_of(one)
        opened = asyncio.Event()

        async def wait(_: Any, __: Any) -> None:
            await opened.wait()

        one.before["download"] = wait
        await one.submit()
        await until(lambda: one.consumers["download"].busy == 1)
        control = private_rabbitmq.control
        await asyncio.to_thread(control, "set_vm_memory_high_watermark", "absolute", "1000")
        opened.set()
        await until(lambda: says(health, "the broker does not confirm"), "not confirmed")
        await asyncio.to_thread(control, "set_vm_memory_high_watermark", "0.6")
        assert (await one.end_of())["outcome"] == "completed"
        await until(lambda: says(health), "well again")


async def test_a_sweep_that_fails(
    amqp_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "OVERDUE_SECONDS", 0)
    async with flow(tmp_path) as one:
        sweep = Sweep(one.workspace, MemoryStorage(), one.broker, one.lane)
        jobs, aside = Path(one.workspace.jobs), tmp_path / "aside"
        jobs.rename(aside)
        jobs.write_text("no directory")
        health = health_of(one, "cleanup", sweep.overdue)
        every_moment = CleanupSettings(cleanup_interval_hours=1e-5)
        sweeps = asyncio.create_task(sweep.forever(every_moment))
        await until(lambda: says(health, "the sweep is overdue"))
        jobs.unlink()
        aside.rename(jobs)
        monkeypatch.setattr(sweeping, "OVERDUE_SECONDS", 60)
        await until(lambda: one.workspace.last_sweep() != {}, "a sweep that ends")
        assert says(health)
        sweeps.cancel()
        await asyncio.wait([sweeps])


async def test_a_pool_whose_children_cannot_start(tmp_path: Path) -> None:
    async with (
        flow(tmp_path) as one,
        Pool.opened(1, BOUNDS, partial(int, "no number")) as pool,
    ):
        health = health_of(one, "process", lambda: pool.fault)
        await until(lambda: says(health, "no number"), "a dead pool")


def test_a_disk_over_the_high_water_mark(amqp_url: str) -> None:
    """A mark that every disk is over: the real service leaves its queue, and says why."""
    with started(amqp_url, ["download"], DISK_HIGH_WATER_PERCENT="0.001") as running:
        port = running.ports["download"]

        async def stopped() -> bool:
            return "millrace_paused 1.0" in await asyncio.to_thread(asked, port, "metrics")

        asyncio.run(until(stopped))
        (reason,) = json.loads(asked(port, "readyz"))["reasons"]
        assert "no downloads are taken" in reason
        health = json.loads(asked(port, "health"))
        # Others write on the disk meanwhile: another moment, another number of bytes.
        said = [re.sub(r"\d+", "…", one) for one in health["reasons"]]
        assert (health["status"], said) == ("degraded", [re.sub(r"\d+", "…", reason)])
        assert health["broker"] == {"connected": True, "consuming": False}


def test_an_ffmpeg_that_is_too_old(amqp_url: str, tmp_path: Path) -> None:
    """The real service says so before a film comes, and goes on with photos."""
    program = tmp_path / "ffmpeg-4"
    program.write_text("#!/bin/sh\necho ffmpeg version 4.2.2\n")
    program.chmod(0o755)
    with started(amqp_url, ["process"], FFMPEG=str(program)) as running:
        port = running.ports["process"]

        told = ["no film can be made: FFMPEG: ffmpeg-4: ffmpeg 4.2.2 is older than 5.1."]

        async def degraded() -> bool:
            health = json.loads(await asyncio.to_thread(asked, port, "health") or "{}")
            return bool(health.get("reasons") == told)

        asyncio.run(until(degraded))
        assert json.loads(asked(port, "readyz")) == {"ready": False, "reasons": told}
        assert json.loads(asked(port, "health"))["broker"] == {"connected": True, "consuming": True}


def asked(port: int, path: str) -> str:
    """What the service answers, whatever the status; nothing while it is not there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
            return str(answer.read().decode())
    except HTTPError as refusal:
        with refusal:
            return refusal.read().decode()
    except OSError:
        return ""
