from pathlib import Path

import pytest

from shared.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "root")
    workspace.open()
    return workspace
