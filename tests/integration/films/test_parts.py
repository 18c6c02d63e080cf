"""Parts of films whose key frames are few, from every container: none of their pictures is lost."""

import av
import pytest

from tests.films import Bench, FilmMaker
from tests.integration.films.comparing import likeness, reference, times
from tests.integration.films.kinds import LIKE, RATE, moving, plain
from tests.integration.films.looks import brightness, waits

START, SECONDS = 1.0, 0.6
PARTS = (
    {"op": "trim", "start": START, "end": START + SECONDS},
    {"op": "preview", "at": START, "seconds": SECONDS, "width": 320, "fps": RATE},
)
CODECS = {"mpg": ("-c:v", "mpeg2video", "-q:v", "2"), "wmv": ("-c:v", "msmpeg4", "-q:v", "2")}
H264 = ("-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv420p")


@pytest.mark.parametrize("container", ["avi", "flv", "mkv", "mov", "mpg", "mp4", "ts", "wmv"])
async def test_a_part_has_all_its_pictures(bench: Bench, film: FilmMaker, container: str) -> None:
    coded = (*CODECS.get(container, H264), "-g", "600", "-bf", "0")
    tone = ("-f", "lavfi", "-i", "sine=duration=2")
    source = film(
        f"few.{container}", *moving(), *tone, *coded, "-c:a", "aac" if container == "flv" else "mp2"
    )
    made = await bench.make(source, *PARTS)
    right = reference(film, "moving", plain(film), (320, 180))
    for output in made.values():
        path = bench.path(output)
        assert len(times(path)) == pytest.approx(SECONDS * RATE, abs=1)
        assert times(path)[0] < 2 / RATE
        begin = START - waits(source)
        alike = max((likeness(path, right, begin + late / RATE) for late in (0, -1, 1)), key=min)
        assert min(alike) > LIKE
        assert output.duration_seconds == pytest.approx(SECONDS, abs=2 / RATE)


@pytest.mark.parametrize("container", ["mkv", "ts"])
async def test_a_part_far_from_the_start_is_that_of_its_time(
    bench: Bench, film: FilmMaker, container: str
) -> None:
    brighter = "color=black:size=32x32:rate=5:duration=60,geq=lum=40+2*T:cb=128:cr=128"
    source = film(f"brighter.{container}", "-f", "lavfi", "-i", brighter, *H264, "-g", "45")
    (made,) = (await bench.make(source, {"op": "trim", "start": 52.1, "end": 54.1})).values()
    with av.open(str(bench.path(made))) as media:
        light = [frame.to_ndarray(format="gray").mean() for frame in media.decode(video=0)]
    assert len(light) == 11
    # Grey is of the full range, the film's light of 219 steps from 16 on.
    assert light == pytest.approx(
        [(24 + 2 * (52 + number / 5)) * 255 / 219 for number in range(11)], abs=2
    )


async def test_what_is_near_the_beginning_of_an_flv_is_found(bench: Bench, film: FilmMaker) -> None:
    brighter = "color=black:size=32x32:rate=25:duration=4,geq=lum=40+40*T:cb=128:cr=128"
    tone = ("-f", "lavfi", "-i", "sine=duration=4", "-c:a", "aac")
    source = film("brighter.flv", "-f", "lavfi", "-i", brighter, *tone, *H264, "-g", "5")
    made = await bench.make(
        source, {"op": "trim", "start": 0.03}, {"op": "poster", "at": 1, "formats": ["png"]}
    )
    assert len(times(bench.path(made["trim.mp4"]))) >= 99
    # Grey is of the full range, the film's light of 219 steps from 16 on.
    light = (40 + 40 * 1 - 16) * 255 / 219
    assert brightness(bench.path(made["poster.png"])) == pytest.approx(light, abs=3)
