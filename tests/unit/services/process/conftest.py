"""An attempt of the process stage in a real workspace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from shared.jobs import DownloadJob
from shared.workspace import Attempt, Workspace

EXAMPLES = Path(__file__).parents[4] / "examples"


@pytest.fixture
def mountains() -> Path:
    """A photo of 3264×2448 pixels."""
    return EXAMPLES / "mountains.jpg"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "work")
    workspace.open()
    return workspace


@pytest.fixture
def told() -> list[float]:
    """The progress that the attempt told."""
    return []


@pytest.fixture
def work(workspace: Workspace, told: list[float]) -> Iterator[Attempt]:
    def progress(percent: float, _: dict[str, Any]) -> None:
        told.append(percent)

    job = DownloadJob(job_id="job-1", source="file:///photo.jpg")
    with workspace.begin(job) as held:
        yield held.attempt("process", structlog.get_logger(), progress)
