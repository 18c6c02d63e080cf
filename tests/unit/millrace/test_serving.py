"""Several services in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from millrace import serving
from millrace.wiring import STAGES
from shared.observe.health import Health
from shared.service import answering
from tests.waiting import until


async def test_all_of_them_answer_before_the_broker_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"AMQP_URL": "amqp://127.0.0.1:1/", "HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": "0"}
    folders = {"TEMP_DIR": str(tmp_path / "work"), "UPLOAD_PATH": str(tmp_path / "uploads")}
    for name, value in {**settings, **folders, "PROCESS_WORKERS": "1"}.items():
        monkeypatch.setenv(name, value)
    said: list[list[str]] = []

    @asynccontextmanager
    async def noted(health: Health, host: str, port: int) -> AsyncIterator[None]:
        async with answering(health, host, port):
            said.append(health.reasons())
            yield

    monkeypatch.setattr(serving, "answering", noted)
    running = asyncio.create_task(serving._serve(STAGES))
    await until(lambda: len(said) == len(STAGES))
    assert all("the broker cannot be reached" in reasons for reasons in said)
    assert not running.done()
    running.cancel()
    await running
