from pathlib import Path

import pytest

from tests.unit.services.download.work import FolderWork


@pytest.fixture
def work(tmp_path: Path) -> FolderWork:
    directory = tmp_path / "job.1" / "download.0"
    directory.mkdir(parents=True)
    return FolderWork(directory)


@pytest.fixture
def target(work: FolderWork) -> Path:
    return work.directory / "original"
