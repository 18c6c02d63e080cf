"""What events, logs and metrics tell of a delivery."""

from pathlib import Path
from typing import Any

import pytest

from shared.errors import (
    SourceUnavailable,
)
from shared.running import Pace
from tests.deliveries import Gate, ended_well, failing, rejected
from tests.flow import flow
from tests.waiting import soon, until


async def test_started_and_progress_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.updates.PROGRESS_SECONDS", 0)
    async with flow(tmp_path) as one:
        gate = one.before["process"] = Gate()

        async def half(job: Any, work: Any) -> None:
            work.progress(50, frames=3)

        one.before["upload"] = half
        await one.submit()
        await soon(gate.entered.wait())
        started = await one.event("job", {"started"})
        gate.opened.set()
        progress = await one.event("job", {"progress"})
        await ended_well(one)
        assert started["data"]["stage"] == "process"
        assert (progress["data"]["percent"], progress["data"]["frames"]) == (50, 3)
        assert progress["data"]["stage"] == "upload"


async def test_how_the_slowest_film_gets_on_is_known(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gates = {"a": Gate(), "b": Gate(), "c": Gate()}

        async def telling(job: Any, work: Any) -> None:
            left = {"a": {"secondsLeft": 30.0}, "b": {"secondsLeft": 90.0}, "c": {}}[job.job_id]
            work.progress(50, **left, speed=1.5)
            await gates[job.job_id](job, work)

        one.before["process"] = telling
        consumer = one.consumers["process"]
        assert consumer.pace == Pace()
        for job in gates:
            await one.submit(job)
        for gate in gates.values():
            await soon(gate.entered.wait())
        assert consumer.pace == Pace(90.0, speed=1.5, done=0.5)
        gates["b"].opened.set()
        await until(lambda: consumer.pace.seconds_left == 30)
        gates["a"].opened.set()
        await until(lambda: consumer.pace == Pace())
        gates["c"].opened.set()


async def test_metrics_count(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        one.before["process"] = failing(SourceUnavailable(), None)
        await one.submit()
        await ended_well(one)
        await one.send(b"{")
        await until(lambda: bool(rejected(one)))
        await one.quiet()
        value = one.metrics["process"].registry.get_sample_value
        labels = {"stage": "process", "error": "SourceUnavailable"}
        assert value("millrace_postponed_total", labels) == 1
        assert value("millrace_stage_seconds_count", {"stage": "process"}) == 1
        value = one.metrics["cleanup"].registry.get_sample_value
        assert value("millrace_jobs_ended_total", {"outcome": "completed"}) == 1
        value = one.metrics["download"].registry.get_sample_value
        assert value("millrace_rejected_messages_total", {"stage": "download"}) == 1
        assert value("millrace_transferred_bytes_total", {"direction": "in"}) == 12
