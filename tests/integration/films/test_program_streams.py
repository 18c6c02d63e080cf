"""MPEG program streams of small pictures: seconds of them lie together, and the first alone has a time."""

from pathlib import Path

import av
import pytest
from PIL import Image, ImageStat

from tests.films import Bench, FilmMaker
from tests.integration.films.looks import onset

RATE, BEEP = 5, 7.0


@pytest.fixture
def still(film: FilmMaker) -> Path:
    """It grows brighter, so that each picture tells its number."""
    brighter = f"color=black:size=64x64:rate={RATE}:duration=12,geq=lum=20+3*N:cb=128:cr=128"
    beep = f"aevalsrc=sin(2000*t)*gte(t\\,{BEEP}):d=12"
    sources = ("-f", "lavfi", "-i", brighter, "-f", "lavfi", "-i", beep)
    coded = ("-c:v", "libx264", "-crf", "10", "-bf", "2", "-g", "10", "-c:a", "mp2")
    return film("still.mpg", *sources, *coded)


def number(light: float) -> float:
    """Which picture that is, from its mean grey: the film's light has 219 steps from 16 on."""
    return (light * 219 / 255 - 4) / 3


async def test_posters_and_thumbnails_are_those_of_their_times(bench: Bench, still: Path) -> None:
    made = await bench.make(
        still,
        {"op": "poster", "at": 6.1, "formats": "png"},
        {"op": "thumbnails", "count": 3, "formats": "png"},
    )
    shown = []
    for output in made.values():
        with Image.open(bench.path(output)) as picture:
            shown.append(number(ImageStat.Stat(picture.convert("L")).mean[0]))
    # The last time that is told is half a second before the film's end.
    times = [6.1, *(share / 6 * 11.5 for share in (1, 3, 5))]
    assert shown == pytest.approx([RATE * time for time in times], abs=1.5)


async def test_a_part_has_its_pictures_and_its_sound(bench: Bench, still: Path) -> None:
    output = (await bench.make(still, {"op": "trim", "start": 5, "end": 8}))["trim.mp4"]
    assert output.duration_seconds == pytest.approx(3, abs=0.05)
    with av.open(str(bench.path(output))) as media:
        shown = [(f.time or 0, f.to_ndarray(format="gray").mean()) for f in media.decode(video=0)]
    assert [number(float(light)) for _, light in shown[1:]] == pytest.approx(
        [RATE * (5 + time) for time, _ in shown[1:]], abs=0.7
    )
    assert len(shown) == pytest.approx(3 * RATE, abs=1)
    assert onset(bench.path(output)) == pytest.approx(BEEP - 5, abs=0.05)


async def test_all_of_it_has_its_sound(bench: Bench, still: Path) -> None:
    made = await bench.make(still, {"op": "renditions", "heights": 64}, "audio", "probe")
    assert made["64p.mp4"].duration_seconds == pytest.approx(12, abs=0.05)
    assert onset(bench.path(made["64p.mp4"])) == pytest.approx(BEEP, abs=0.05)
