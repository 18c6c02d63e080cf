"""`maxFps` holds at every moment of a film, also where its pictures come unevenly."""

from itertools import pairwise
from pathlib import Path

import av
import pytest

from tests.films import Bench, FilmMaker
from tests.integration.films.looks import SMALL


@pytest.fixture
def uneven(film: FilmMaker) -> Path:
    """A second of 30 pictures, and two of 10 each: 16.7 a second on average."""
    thinned = "testsrc2=size=160x96:rate=30:duration=3,select='lt(t,1)+not(mod(n,3))'"
    return film("uneven.mp4", "-f", "lavfi", "-i", thinned, "-fps_mode", "vfr")


def times(path: Path) -> list[float]:
    with av.open(str(path)) as media:
        return [float(frame.time or 0) for frame in media.decode(video=0)]


@pytest.mark.parametrize("operation", [SMALL, {"op": "preview", "at": 0, "width": 96}], ids=str)
async def test_no_picture_follows_another_sooner(
    bench: Bench, uneven: Path, operation: dict[str, object]
) -> None:
    limit = "maxFps" if operation["op"] == "renditions" else "fps"
    (made,) = (await bench.make(uneven, {**operation, limit: 20})).values()
    shown = times(bench.path(made))
    soonest = min(late - early for early, late in pairwise(shown))
    assert soonest == pytest.approx(1 / 20, abs=0.002)


@pytest.mark.parametrize("most", [30, 60])
async def test_a_film_that_is_never_faster_keeps_its_pictures(
    bench: Bench, uneven: Path, most: int
) -> None:
    made = (await bench.make(uneven, {**SMALL, "maxFps": most}))["96p.mp4"]
    assert times(bench.path(made)) == pytest.approx(times(uneven), abs=0.002)
