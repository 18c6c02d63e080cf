"""Small films, made by ffmpeg's own sources, and the process stage at work on them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.process.stage import Process
from services.process.video.ffmpeg.ffmpeg import Ffmpeg, find
from services.process.video.settings import FilmSettings
from shared.jobs import Operation, Output
from shared.workspace import Attempt

ROOT = Path(__file__).resolve().parents[1]
BUNNY = ROOT / "examples" / "bunny.mp4"
CORPUS = ROOT.parent / "shared" / "corpus" / "video"


@dataclass
class Bench:
    """An attempt, and the stage that works in it."""

    stage: Process
    work: Attempt
    told: list[float] = field(default_factory=list)

    async def make(self, source: Path, *operations: Any) -> dict[str, Output]:
        """The outputs by the names of their files."""
        wanted = tuple(Operation.model_validate(operation) for operation in operations)
        outputs = await self.stage.media["video"].make(source, wanted or None, self.work)
        return {f"{output.name}.{output.ext}": output for output in outputs}

    def path(self, output: Output) -> Path:
        return self.work.locate(output.path)


Benches = Callable[..., Awaitable[Bench]]
FilmMaker = Callable[..., Path]


@cache
def ffmpeg() -> Ffmpeg:
    """The ffmpeg under test: the one that `FFMPEG` names, else the newest."""
    return find(FilmSettings().ffmpeg)


def needs(*libraries: str) -> None:
    """Skip the test where that ffmpeg was built without one of them."""
    for library in libraries:
        if library not in ffmpeg().libraries:
            # Whoever builds ffmpeg chooses; the wheel's, which CI runs, has all of them.
            pytest.skip(f"{ffmpeg().name} was built without {library}")


def pattern(size: str, seconds: float = 1.0, more: str = "") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}{more}")


TONE = ("-f", "lavfi", "-i", "sine=duration=1")
