"""How far the passages through a film are, as those hear who watch the job."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.process.video import passage
from services.process.video.ffmpeg.branch import WHOLE, Branch, Window
from services.process.video.ffmpeg.command import Means
from services.process.video.ffmpeg.progress import Progress
from services.process.video.film import Film, Limits
from services.process.video.passages import Passages
from services.process.video.products.product import Passed, Plain
from services.process.video.stills.seeking import Approach
from shared.errors import SourceTooLarge
from shared.jobs import Output

FILM = Film("/film.mp4", "mov", 10.0, 10.0, 64, 36, 0, "h264")
LIMITS = Limits(seconds=100, pixels=10**6, streams=9, frames=1000)


async def no_lead(*_: Any) -> Approach:
    return Approach()


TOOLS: Any = SimpleNamespace(
    means=Means(threads=1, pixels=10**6, tone_mapping=False),
    settings=SimpleNamespace(limits=LIMITS),
    ffmpeg=SimpleNamespace(tells_the_shortest=False),
    device=None,
    grant_on=lambda way: None,
    approach=no_lead,
)


@dataclass(frozen=True)
class Nothing(Plain):
    """A product that is made of a part of the film without any work."""

    name: str
    window: Window = WHOLE
    files: tuple[str, ...] = ()

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        return ()

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        return ()


@dataclass(frozen=True)
class Copy(Nothing):
    """One whose pictures are copied."""

    @property
    def anew(self) -> Any:
        return Nothing(self.name, self.window)


@dataclass
class Watched:
    """A work that keeps what is told of its progress."""

    directory: Path = Path("/attempt")
    told: list[tuple[float, dict[str, object]]] = field(default_factory=list)

    def progress(self, percent: float, **details: object) -> None:
        self.told.append((percent, details))


def reporting(monkeypatch: pytest.MonkeyPatch, *passed: Sequence[Progress]) -> None:
    """Let each run of ffmpeg do nothing but report the next of `passed`."""
    runs = iter(passed)

    async def run(*arguments: Any, **_: Any) -> str:
        advance: Callable[[Progress], None] = arguments[-1]
        for report in next(runs):
            advance(report)
        return ""

    monkeypatch.setattr(passage, "run", run)


async def made(*windows: Window) -> list[tuple[float, dict[str, object]]]:
    work: Any = Watched()
    products = [Nothing(f"n{number}", window) for number, window in enumerate(windows)]
    await Passages(TOOLS, FILM, work, 5.0, 95.0).make(products)
    told: list[tuple[float, dict[str, object]]] = work.told
    return told


async def test_speed_and_time_left_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reporting(monkeypatch, [Progress(0.0, 0, 0.5), Progress(4.0, 0, 2.0), Progress(10.0, 0, 5.0)])
    assert await made(WHOLE) == [
        (5.0, {}),
        (41.0, {"speed": 2.0, "secondsLeft": 3.0}),
        (95.0, {"speed": 2.0, "secondsLeft": 0.0}),
    ]


async def test_time_left_is_that_of_all_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    reporting(monkeypatch, [Progress(5.0, 0, 2.5)], [Progress(1.0, 0, 2.0)])
    assert await made(WHOLE, Window(2.0, 5.0)) == [
        (35.0, {"speed": 2.0, "secondsLeft": 5.0}),
        (pytest.approx(71.0), {"speed": 0.5, "secondsLeft": 8.0}),
    ]


async def test_what_is_copied_is_a_passage_of_its_own_and_a_short_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reporting(monkeypatch, [Progress(5.0, 0, 0.1)], [Progress(10.0, 0, 5.0)])
    work: Any = Watched()
    await Passages(TOOLS, FILM, work, 0.0, 100.0).make([Nothing("whole"), Copy("copy")])
    assert work.told == [
        (pytest.approx(100 * 0.1 / 10.2), {"speed": 50.0, "secondsLeft": 10.1}),
        (pytest.approx(100.0), {"speed": 2.0, "secondsLeft": 0.0}),
    ]


async def test_a_film_longer_than_it_said_is_never_more_than_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reporting(monkeypatch, [Progress(12.0, 0, 12.0)])
    assert await made(WHOLE) == [(95.0, {"speed": 1.0, "secondsLeft": 0.0})]


async def test_progress_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a passage's reports do that begins anew in another way."""
    reporting(monkeypatch, [Progress(5.0, 0, 1.0), Progress(1.0, 0, 2.0), Progress(6.0, 0, 3.0)])
    assert [percent for percent, _ in await made(WHOLE)] == [50.0, 50.0, 59.0]


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (Progress(161.0, 0, 1.0), "longer than 100 seconds"),
        (Progress(1.0, 1001, 1.0), "more than 1000 pictures"),
    ],
)
async def test_a_film_beyond_the_limits_is_ended_on_the_way(
    monkeypatch: pytest.MonkeyPatch, report: Progress, sentence: str
) -> None:
    reporting(monkeypatch, [report])
    with pytest.raises(SourceTooLarge, match=sentence):
        await made(WHOLE)
