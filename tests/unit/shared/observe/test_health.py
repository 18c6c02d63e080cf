"""What a service says about itself over HTTP."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from shared.consumer import Consumer
from shared.errors import StorageUnavailable
from shared.observe.health import Health, application
from shared.running import Pace
from shared.workspace import Workspace
from tests.flow import Flow, flow
from tests.jobs import download_job, processing_job
from tests.unit.shared.workspace.doors import attempt
from tests.waiting import until


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path / "root") as one:
        yield one


def health_of(one: Flow, workspace: Workspace | None = None, **more: Any) -> Health:
    return Health(
        "cleanup",
        one.broker,
        one.consumers["cleanup"],
        workspace or one.workspace,
        one.metrics["cleanup"],
        **more,
    )


async def asked(health: Health, path: str) -> tuple[int, Any]:
    """Status and body of a real HTTP request."""
    async with TestClient(TestServer(application(health))) as client:
        response = await client.get(path)
        body = await response.read()
        is_json = response.content_type == "application/json"
        return response.status, json.loads(body) if is_json else body.decode()


def with_files(workspace: Workspace) -> None:
    """An image of 5 bytes, a film of 7 in two files, and a job that nobody looked at yet."""
    with workspace.begin(download_job("image")) as held:
        (attempt(held).directory / "original").write_bytes(b"12345")
        held.commit("download", processing_job(workspace.volume, "image"))
    with workspace.begin(download_job("video")) as held:
        (attempt(held).directory / "original").write_bytes(b"1234")
        (attempt(held, "process").directory / "part").write_bytes(b"123")
        job = processing_job(workspace.volume, "video")
        film = job.original.model_copy(update={"kind": "video"})
        held.commit("download", job.model_copy(update={"original": film}))
    with workspace.begin(download_job("new")):
        pass


async def test_health_has_the_documented_shape(one: Flow) -> None:
    with_files(one.workspace)
    one.workspace.note_sweep({"lastRunAt": "2026-01-01T00:00:00+00:00", "orphansRemoved": 2})
    status, body = await asked(health_of(one), "/health")
    assert status == 200
    assert (body["status"], body["service"]) == ("ok", "cleanup")
    assert "reasons" not in body
    assert isinstance(body["uptimeSeconds"], float)
    assert body["broker"] == {"connected": True, "consuming": True}
    files = body["tempFiles"]
    assert files["video"] == {"totalJobs": 1, "totalFiles": 2, "totalSize": 7}
    assert files["image"] == {"totalJobs": 1, "totalFiles": 1, "totalSize": 5}
    assert files["unknown"] == {"totalJobs": 1, "totalFiles": 0, "totalSize": 0}
    assert 0 < body["disk"]["freeBytes"] <= body["disk"]["totalBytes"]
    assert body["sweep"] == {"lastRunAt": "2026-01-01T00:00:00+00:00", "orphansRemoved": 2}


async def test_counts_are_kept_for_some_seconds(one: Flow) -> None:
    health = health_of(one)
    before = (await health.report())["tempFiles"]
    with_files(one.workspace)
    assert (await health.report())["tempFiles"] == before
    assert (await health_of(one).report())["tempFiles"] != before


async def test_ready_when_all_is_well(one: Flow) -> None:
    health = health_of(one)
    assert await asked(health, "/readyz") == (200, {"ready": True, "reasons": []})
    assert (await asked(health, "/livez"))[0] == 200


async def degraded(health: Health, *reasons: str) -> dict[str, Any]:
    """The body of `/health`, which says that these are wrong, and nothing else."""
    status, body = await asked(health, "/health")
    assert (status, body["status"]) == (200, "degraded")
    assert len(body["reasons"]) == len(reasons)
    for reason, said in zip(reasons, body["reasons"], strict=True):
        assert reason in said
    status, ready = await asked(health, "/readyz")
    assert (status, ready["ready"], ready["reasons"]) == (503, False, body["reasons"])
    assert (await asked(health, "/livez"))[0] == 200
    assert (await asked(health, "/info"))[0] == 200
    status, text = await asked(health, "/metrics")
    assert status == 200
    assert "millrace_degraded 1.0" in text
    return body  # type: ignore[no-any-return]


async def test_consumer_that_is_gone_degrades(one: Flow) -> None:
    await one.consumers["cleanup"].stop()
    body = await degraded(health_of(one), "consumer")
    assert body["broker"] == {"connected": True, "consuming": False}


async def test_broker_that_is_away_degrades(one: Flow) -> None:
    await one.broker.close()
    body = await degraded(health_of(one), "consumer", "broker")
    assert body["broker"] == {"connected": False, "consuming": False}


async def test_low_disk_degrades(one: Flow) -> None:
    full = Workspace(one.workspace.root, floor_bytes=2**62)
    full.open()
    await degraded(health_of(one, full), "disk")


async def test_service_that_takes_nothing_on_purpose_says_why(one: Flow) -> None:
    await one.consumers["cleanup"].pause()
    health = health_of(one, checks=(lambda: "the disk is nearly full",))
    body = await degraded(health, "the disk is nearly full")
    assert body["broker"] == {"connected": True, "consuming": False}
    assert "millrace_paused 1.0" in (await asked(health, "/metrics"))[1]
    await one.consumers["cleanup"].resume()
    assert "millrace_paused 0.0" in (await asked(health, "/metrics"))[1]


async def test_how_the_slowest_film_gets_on_is_in_the_metrics(
    one: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Consumer, "pace", Pace(42.5, speed=1.5, done=0.25))
    metrics = (await asked(health_of(one), "/metrics"))[1]
    assert "millrace_seconds_left 42.5" in metrics
    assert "millrace_film_speed_ratio 1.5" in metrics
    assert "millrace_film_done_ratio 0.25" in metrics


async def test_work_directory_that_is_gone_degrades(one: Flow) -> None:
    one.workspace.root.rename(one.workspace.root.with_name("gone"))
    await degraded(health_of(one), "work directory")


async def test_volume_that_was_unmounted_degrades(one: Flow) -> None:
    """An unmounted volume leaves an empty directory behind."""
    one.workspace.root.rename(one.workspace.root.with_name("gone"))
    one.workspace.root.mkdir()
    await degraded(health_of(one), "work directory")


async def test_what_a_service_checks_itself_degrades(one: Flow) -> None:
    health = health_of(one, checks=(lambda: "the pool is dead", lambda: None))
    await degraded(health, "the pool is dead")


async def test_jobs_that_cannot_be_cleaned_up_degrade(one: Flow) -> None:
    broken = True

    async def fail(job: Any, work: Any) -> None:
        if broken:
            raise StorageUnavailable("The bucket cannot be reached.")

    one.before["cleanup"] = fail
    health = health_of(one)
    await one.submit()
    await until(lambda: one.calls["cleanup"] > 2)
    await degraded(health, "The bucket cannot be reached.")
    broken = False
    await one.end_of()
    await one.quiet()
    assert (await asked(health, "/health"))[1]["status"] == "ok"


async def test_one_bad_entry_does_not_hide_the_counts(one: Flow) -> None:
    with_files(one.workspace)
    (one.workspace.root / "jobs" / "bad.1").mkdir()
    (one.workspace.root / "jobs" / "bad.1" / "job.json").mkdir()
    _, body = await asked(health_of(one), "/health")
    assert body["tempFiles"]["image"]["totalJobs"] == 1


async def test_metrics_are_prometheus(one: Flow) -> None:
    with_files(one.workspace)
    await one.submit()
    await one.end_of()
    await one.quiet()
    status, text = await asked(health_of(one), "/metrics")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(text)}
    values = {
        sample.name: sample.value
        for family in families.values()
        for sample in family.samples
        if not sample.labels
    }
    assert values["millrace_temp_jobs"] == 3
    assert values["millrace_temp_files"] == 3
    assert values["millrace_temp_bytes"] == 12
    assert values["millrace_degraded"] == 0
    assert values["millrace_disk_free_bytes"] > 0
    assert "millrace_jobs_ended" in families
    assert families["millrace_stage_seconds"].type == "histogram"
    assert all(family.documentation for family in families.values())


async def test_info_says_what_runs(one: Flow) -> None:
    health = health_of(one, details={"version": "1.2.3"})
    assert await asked(health, "/info") == (200, {"service": "cleanup", "version": "1.2.3"})
