"""A flow whose dead queue is looked at without long waits."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from millrace import parked
from tests.flow import Flow, flow


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parked, "SILENCE_SECONDS", 0.05)


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path) as one:
        yield one
