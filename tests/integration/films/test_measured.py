"""Bit rates of sound are measured where it may be copied, and nowhere else."""

from pathlib import Path

import pytest

from services.process.video.film import Limits
from services.process.video.source import tracks
from services.process.video.source.probe import probe
from tests.films import TONE, FilmMaker, pattern

LIMITS = Limits(seconds=1000, pixels=10**6, streams=9, frames=10**6)
OPUS = ("-c:a", "libopus", "-strict", "-2")
FILM = (*pattern("160x96"), *TONE, *OPUS)


@pytest.mark.parametrize(
    ("name", "arguments", "ours", "measured"),
    [
        ("film.mkv", FILM, None, True),
        ("made.webm", (*FILM, "-c:v", "libvpx-vp9", "-cpu-used", "8"), "matroska", False),
        ("film.ts", FILM, None, False),
        ("sound.ogg", (*TONE, *OPUS), None, False),
    ],
)
def test_what_is_never_copied_is_not_measured(
    film: FilmMaker,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    arguments: tuple[str, ...],
    ours: str | None,
    measured: bool,
) -> None:
    asked: list[Path] = []

    def heaviest(*_: object) -> int:
        asked.append(source)
        return 96_000

    monkeypatch.setattr(tracks, "heaviest", heaviest)
    source = film(name, *arguments)
    (sound,) = probe(source, LIMITS, ours).sounds
    assert bool(asked) is measured
    assert sound.bit_rate == (96_000 if measured else 0)
