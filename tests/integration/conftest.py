import hashlib
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog

from services.process.settings import ProcessSettings
from services.process.stage import opened
from services.process.video.ffmpeg.ffmpeg import find
from services.process.video.settings import FilmSettings
from shared.jobs import DownloadJob
from shared.workspace import Workspace
from tests.films import Bench, Benches, FilmMaker


@pytest.fixture
async def benches(tmp_path: Path) -> AsyncIterator[Benches]:
    """Makes a bench with the settings given."""
    async with AsyncExitStack() as exits:

        async def bench(volume: str = "volume", **settings: Any) -> Bench:
            workspace = Workspace(tmp_path / volume)
            workspace.open()
            stage = opened(ProcessSettings(process_workers=1), FilmSettings(**settings))
            held = exits.enter_context(
                workspace.begin(DownloadJob(job_id="film-1", source="file:///film.mp4"))
            )
            told: list[float] = []
            work = held.attempt(
                "process", structlog.get_logger(), lambda percent, _: told.append(percent)
            )
            return Bench(await exits.enter_async_context(stage), work, told)

        yield bench


@pytest.fixture
async def bench(benches: Benches) -> Bench:
    return await benches()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> FilmMaker:
    """Makes a small film: `film("name.mp4", "-f", "lavfi", …)`."""
    directory = tmp_path_factory.mktemp("films")
    program = find().path

    def make(name: str, *arguments: str) -> Path:
        # Two films of the same name are two films.
        path = directory / hashlib.sha256(repr(arguments).encode()).hexdigest()[:16] / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            argv = [str(program), "-v", "error", "-y", *arguments, str(path)]
            subprocess.run(argv, check=True, capture_output=True)
        return path

    return make
