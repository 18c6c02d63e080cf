from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flow import Flow, flow


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Flow]:
    """A flow without any consumer: what the sweep publishes stays in the queue."""
    async with flow(tmp_path / "root", start=()) as one:
        yield one
