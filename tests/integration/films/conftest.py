"""Films that more than one kind of test needs."""

from pathlib import Path

import pytest

from tests.films import FilmMaker, pattern
from tests.integration.films.looks import COLOURS


@pytest.fixture
def colours(film: FilmMaker) -> Path:
    """A second of each colour, with one key frame only; sound that grows louder."""
    parts = "".join(
        f"color={name}:size=160x96:rate=10:duration=1,format=yuv420p[{name}];" for name in COLOURS
    )
    joined = f"{parts}{''.join(f'[{name}]' for name in COLOURS)}concat=n=4[v]"
    sound = ("-f", "lavfi", "-i", "aevalsrc=sin(2000*t)*t/4:d=4")
    return film(
        "four.mp4",
        *(*sound, "-filter_complex", joined, "-map", "[v]", "-map", "0:a"),
        *("-x264-params", "scenecut=0:keyint=100"),
    )


@pytest.fixture
def captioned(film: FilmMaker, tmp_path: Path) -> Path:
    text = tmp_path / "text.srt"
    text.write_text("1\n00:00:00,100 --> 00:00:00,900\nGood morning\n")
    return film(
        "captioned.mkv",
        *pattern("160x96"),
        "-i",
        str(text),
        "-c:s",
        "srt",
        "-metadata:s:s",
        "language=deu",
    )
