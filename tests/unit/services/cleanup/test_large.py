"""The end of a failed job with more objects than could be taken back one after the other."""

import asyncio
from pathlib import Path

import pytest

from services.cleanup.stage import SETTLED_AT_ONCE
from shared.jobs import ErrorReport
from shared.storage.base import Intent, Owner
from shared.storage.memory import MemoryStorage
from tests.flow import flow
from tests.jobs import cleanup_job, download_job

ERROR = ErrorReport(error="StorageUnavailable", message="m", stage="upload")
SEGMENTS = 120
ATTEMPTS = 3


class Far(MemoryStorage):
    """Answers a rollback only when as many as may be are on their way, or no more come.

    Attributes:
        asked: the keys of all rollbacks.
        most: how many were on their way at a time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.most = 0
        self._now = 0

    async def rollback(self, intent: Intent, owner: Owner) -> None:
        self.asked.append(intent.key)
        self._now += 1
        self.most = max(self.most, self._now)
        for _ in range(5):
            await asyncio.sleep(0)
        await super().rollback(intent, owner)
        self._now -= 1


async def test_objects_are_taken_back_once_each_and_several_at_a_time(tmp_path: Path) -> None:
    storage = Far()
    async with flow(tmp_path, storage=storage, start=("cleanup",)) as one:
        with one.workspace.begin(download_job("film")) as held:
            for _ in range(ATTEMPTS):
                for number in range(SEGMENTS):
                    held.journal(Intent(key=f"film/{number}.m4s"))
        end = cleanup_job(one.workspace.volume, "failed", "film", error=ERROR)
        await one.send(end.encode(), "cleanup", type="millrace.cleanup.v1")
        assert (await one.end_of("film"))["outcome"] == "failed"
        assert one.left() == []
    assert storage.asked == [f"film/{number}.m4s" for number in range(SEGMENTS)]
    assert storage.most == SETTLED_AT_ONCE


class Slow(Far):
    """One rollback takes longer than any other stage may work."""

    async def rollback(self, intent: Intent, owner: Owner) -> None:
        await asyncio.sleep(0.6)
        await super().rollback(intent, owner)


@pytest.mark.usefixtures("impatient")
async def test_end_may_take_longer_than_a_stage(tmp_path: Path) -> None:
    storage = Slow()
    async with flow(tmp_path, storage=storage, start=("cleanup",), stage_limit_seconds=0.1) as one:
        with one.workspace.begin(download_job("film")) as held:
            held.journal(Intent(key="film/0.m4s"))
        end = cleanup_job(one.workspace.volume, "failed", "film", error=ERROR)
        await one.send(end.encode(), "cleanup", type="millrace.cleanup.v1")
        assert (await one.end_of("film"))["outcome"] == "failed"
    assert storage.asked == ["film/0.m4s"]
