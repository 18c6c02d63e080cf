"""An attempt of upload, beside the files that process left."""

from pathlib import Path

import pytest

from tests.unit.services.download.work import FolderWork

DAY = 1_709_208_000.0  # 2024-02-29


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Where process left its files."""
    folder = tmp_path / "job-1.2" / "process.0"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def work(made: Path) -> FolderWork:
    directory = made.parent / "upload.0"
    directory.mkdir()
    return FolderWork(directory, created=DAY)
