"""The four services, each a process of its own, and users who publish by hand."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from aiohttp import web

from shared.broker.topology import QUEUE_OF_STAGE, Lane
from tests.integration.running import (
    PHOTO,
    ROOT,
    Running,
    User,
    asked,
    job,
    ready,
    serving,
    started,
    status,
    user_of,
)
from tests.servers.ports import free_ports
from tests.servers.processes import PrivateProcesses
from tests.waiting import until


@pytest.fixture(scope="module")
def running(amqp_url: str) -> Iterator[Running]:
    # The last stage first: none of them needs another.
    with started(amqp_url, [*QUEUE_OF_STAGE][::-1]) as running:
        yield running


@pytest.fixture
async def services(running: Running) -> Running:
    await ready(running)
    return running


@pytest.fixture
async def user(services: Running) -> AsyncIterator[User]:
    async with user_of(services) as user:
        yield user


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────


async def test_photo_published_by_hand(services: Running, user: User) -> None:
    operations = ["thumbnail", {"op": "resize", "name": "small", "width": 320, "formats": ["webp"]}]
    await user.publish(
        job(
            "photo-1",
            operations=operations,
            destination="users/{metadata.userId}/{jobId}_{name}.{ext}",
            metadata={"userId": "42"},
        )
    )
    event = await user.end_of("photo-1")
    data = event["data"]
    assert event["type"] == "millrace.job.completed", data
    results = {result["name"]: result for result in data["results"]}
    assert results["small"]["key"] == "users/42/photo-1_small.webp"
    assert results["small"]["width"] == 320
    for result in data["results"]:
        stored = services.uploads / result["key"]
        assert stored.stat().st_size == result["size"]
        assert result["mediaType"].startswith("image/")
    receipt = data["receipt"]
    assert receipt["filesRemoved"] == 1 + len(results)
    assert receipt["bytesRemoved"] > PHOTO.stat().st_size
    assert set(receipt["secondsPerStage"]) == {"download", "process", "upload"}
    assert receipt["bytesDownloaded"] == PHOTO.stat().st_size
    await until(lambda: services.left() == [])


async def test_older_shape(services: Running, user: User) -> None:
    body = {
        "jobId": "old-1",
        "inputPath": str(PHOTO),
        "outputDir": str(services.uploads / "old"),
        "operations": ["thumbnail", "blur", "low-quality"],
        "timestamp": "2024-01-01T00:00:00Z",
        "retryCount": 0,
    }
    await user.publish(json.dumps(body).encode())
    event = await user.end_of("old-1")
    assert event["type"] == "millrace.job.completed", event["data"]
    assert {path.name for path in (services.uploads / "old").iterdir()} == {
        "old-1_thumbnail.webp",
        "old-1_blur.webp",
        "old-1_low-quality.webp",
    }
    await until(lambda: services.left() == [])


@pytest.mark.parametrize(
    ("body", "outcome", "names"),
    [
        (job("bad-operation", operations=["sharpen-up"]), "failed", "sharpen-up"),
        (job("bad-parameter", operations=[{"op": "resize", "with": 3}]), "failed", "with"),
        (job("bad-template", destination="{nonsense}/x.{ext}"), "rejected", "nonsense"),
        (job("bad-source", source="file:///etc/passwd"), "failed", "SOURCE_ROOTS"),
        (job("bad-scheme", source="ftp://example.com/a.jpg"), "failed", "https"),
        (job("no-source", source=""), "rejected", "source"),
        (job("bad-size", operations=[{"op": "resize", "width": -3}]), "failed", "width"),
    ],
)
async def test_bad_job_ends_with_a_sentence_that_names_what_is_wrong(
    services: Running, user: User, body: bytes, outcome: str, names: str
) -> None:
    await user.publish(body)
    event = await user.end_of(json.loads(body)["jobId"])
    assert event["type"].endswith(outcome), event["data"]
    message = event["data"]["error"]["message"]
    assert names in message
    assert "\n" not in message
    assert "Traceback" not in message
    await until(lambda: services.left() == [])


async def test_malformed_json_is_parked(services: Running, user: User) -> None:
    await user.publish(b'{"jobId": "broken", ', message_id="m-1")
    event = await user.end_of(None)
    assert event["type"] == "millrace.job.rejected"
    assert event["data"]["messageId"] == "m-1"
    dead = await user.channel.get_queue(f"{services.lane.prefix}.dead", ensure=False)
    while True:
        parked = await dead.get(timeout=10)
        assert parked is not None
        await parked.ack()
        if parked.message_id == "m-1":
            break
    assert parked.body == b'{"jobId": "broken", '
    assert "no JSON" in str(parked.headers["reason"])


async def test_next_job_is_not_disturbed(services: Running, user: User) -> None:
    await user.publish(b"\xff")
    await user.publish(job("worse", operations=["nothing"]))
    await user.publish(job("good", operations=["thumbnail"]))
    assert (await user.end_of("good"))["type"] == "millrace.job.completed"


async def test_job_that_waits_can_be_cancelled_by_hand(services: Running, user: User) -> None:
    await user.publish(b'{"jobId": "never", "outcome": "cancelled"}', "cleanup")
    assert (await user.end_of("never"))["type"] == "millrace.job.cancelled"
    await user.publish(job("never"))
    await user.publish(job("marker", operations=["thumbnail"]))
    assert (await user.end_of("marker"))["type"] == "millrace.job.completed"
    assert not (services.uploads / "never").exists()


# ── services ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stage", QUEUE_OF_STAGE)
async def test_each_service_answers(services: Running, stage: str) -> None:
    code, body = await asked(services, stage, "health")
    health = json.loads(body)
    assert (code, health["status"], health["service"]) == (200, "ok", stage)
    assert health["broker"] == {"connected": True, "consuming": True}
    assert "orphansRemoved" in health["sweep"]
    assert (await asked(services, stage, "livez"))[0] == 200
    code, text = await asked(services, stage, "metrics")
    assert code == 200
    assert "millrace_stage_seconds" in text
    info = json.loads((await asked(services, stage, "info"))[1])
    assert (info["service"], info["queuePrefix"]) == (stage, services.lane.prefix)
    assert info["version"]
    assert (info.get("isolation") == "seccomp") is (stage == "process")


async def test_sigterm_ends_every_service_in_order(amqp_url: str) -> None:
    with started(amqp_url, ["upload", "download", "cleanup", "process"]) as running:
        await ready(running)
        for process in running.processes.values():
            process.send_signal(signal.SIGTERM)
        for stage, process in running.processes.items():
            code = await asyncio.to_thread(process.wait, 30)
            assert code == 0, (stage, running.log.read_text(errors="replace")[-2000:])
        log = running.log.read_text(errors="replace")
        assert "Traceback" not in log
        assert "never retrieved" not in log


async def test_service_ends_at_once_while_it_waits_for_the_broker() -> None:
    (nowhere,) = free_ports(1)
    lane = Lane(f"test-{uuid4().hex[:8]}")
    with PrivateProcesses("lonely") as processes:
        (port,) = free_ports(1)
        environment = {
            "AMQP_URL": f"amqp://guest:guest@127.0.0.1:{nowhere}/",
            "QUEUE_PREFIX": lane.prefix,
            "TEMP_DIR": str(processes.folder / "work"),
            "UPLOAD_PATH": str(processes.folder / "uploads"),
            "HEALTH_PORT": str(port),
            "HEALTH_HOST": "127.0.0.1",
            "PYTHONPATH": str(ROOT),
        }
        process = processes.spawn([sys.executable, "-m", "services.cleanup"], environment)
        alone = {"cleanup": process}
        folder, log = processes.folder, processes.log
        running = Running("", lane, folder, {"cleanup": port}, alone, log, lambda _: process)
        await until(lambda: says(running, "livez", 200))
        assert await status(running, "cleanup", "readyz") == 503
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0


async def says(running: Running, path: str, code: int) -> bool:
    return await status(running, "cleanup", path) == code


async def test_sigterm_drains(amqp_url: str) -> None:
    """A download that runs is brought to its end; what waits is left in its queue."""
    asked_for, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(request: web.Request) -> web.StreamResponse:
        content = PHOTO.read_bytes()
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[:1000])
        asked_for.set()
        await go_on.wait()
        await response.write(content[1000:])
        return response

    async with serving(slowly) as address:
        settings = {
            "ALLOWED_NETWORKS": "127.0.0.0/8",
            "ALLOWED_PORTS": address.rpartition(":")[2],
            "DOWNLOAD_CONCURRENCY": "1",
        }
        with started(amqp_url, ["download"], **settings) as running:
            await ready(running)
            async with user_of(running) as user:
                await user.publish(job("slow", source=f"{address}/a.jpg"))
                async with asyncio.timeout(30):
                    await asked_for.wait()
                process = running.processes["download"]
                process.send_signal(signal.SIGTERM)
                await until(lambda: "draining" in running.log.read_text(errors="replace"))
                await user.publish(job("next", source=f"{address}/b.jpg"))
                go_on.set()
                assert await asyncio.to_thread(process.wait, 30) == 0
                waiting = await user.channel.get_queue(f"{running.lane.prefix}.processing")
                following = await waiting.get(timeout=10)
                assert following is not None
                assert json.loads(following.body)["jobId"] == "slow"
                await following.ack()
                left = await user.channel.get_queue(f"{running.lane.prefix}.download")
                untouched = await left.get(timeout=10)
                assert untouched is not None
                assert json.loads(untouched.body)["jobId"] == "next"
                assert not untouched.redelivered
                await untouched.ack()
