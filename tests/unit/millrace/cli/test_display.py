"""What the bars of `millrace run` show."""

import io
from typing import Any

import pytest
from rich.console import Console

from millrace.cli.display import Bars
from millrace.events import Event


def drawn(bars: Bars) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(bars._progress.get_renderable())
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def progress(**data: Any) -> Event:
    return Event(b"", "progress", "film-1", {"stage": "process", "percent": 40.0, **data})


@pytest.mark.parametrize(
    ("left", "shown"), [(65.2, "1:05 left"), (0.0, "0:00 left"), (7325.0, "2:02:05 left")]
)
def test_time_left_is_shown_while_a_film_is_made(left: float, shown: str) -> None:
    bars = Bars(1)
    source: Any = type("Source", (), {"shown": "film.mp4"})
    job: Any = type("AJob", (), {"id": "film-1", "source": source})
    bars.begins(job)
    assert "left" not in drawn(bars)
    bars.heard(progress(secondsLeft=left, speed=2.44))
    assert f"{shown}, 2.4×" in drawn(bars)
    assert "42%" in drawn(bars)  # 40 of the 80 that processing takes, after 10 for the download
    bars.heard(progress())
    assert "left" not in drawn(bars)
    bars.heard(progress(secondsLeft=left))
    assert shown in drawn(bars)
    assert "×" not in drawn(bars)
    bars.heard(Event(b"", "finished", "film-1", {"stage": "process"}))
    assert "left" not in drawn(bars)
