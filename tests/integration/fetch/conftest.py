"""The server, and who fetches from it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.download.settings import DownloadSettings
from services.download.stage import opened
from tests.integration.fetch.site import LOOPBACK, Fetcher, Site, no_bucket
from tests.unit.services.download.work import FolderWork


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.server.start_server()
    yield site
    await site.server.close()


@pytest.fixture
def work(tmp_path: Path) -> FolderWork:
    directory = tmp_path / "job.1" / "download.0"
    directory.mkdir(parents=True)
    return FolderWork(directory)


@pytest.fixture
async def fetch(work: FolderWork) -> AsyncIterator[Fetcher]:
    settings = DownloadSettings.model_validate({**LOOPBACK, "download_stall_seconds": 0.5})
    async with opened(settings, no_bucket) as download:
        yield Fetcher(download, work)
