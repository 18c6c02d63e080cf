"""Parts of films, cut by the real ffmpeg."""

from collections.abc import Iterator
from itertools import product
from math import ceil, floor
from pathlib import Path

import av
import pytest

from shared.errors import InvalidJob
from tests.films import Bench, FilmMaker, ffmpeg, pattern
from tests.integration.films.looks import colour_of, onset, waits


async def test_a_part_is_cut_at_the_very_picture(bench: Bench, colours: Path) -> None:
    output = (await bench.make(colours, {"op": "trim", "start": 0.9, "end": 2.1}))["trim.mp4"]
    with av.open(str(bench.path(output))) as media:
        frames = [f.to_image() for f in media.decode(video=0)]  # type: ignore[no-untyped-call]
        assert len(media.streams.audio) == 1
    shown = [colour_of(frame) for frame in frames]
    assert shown == ["red"] + ["lime"] * 10 + ["blue"]
    assert output.duration_seconds == pytest.approx(1.2, abs=0.05)


# The start lies within a picture, beside key frames, and pictures that are decoded later than shown.
# From MPEG-TS, ffmpeg counts the time of a silent preview without the sound before the pictures.
@pytest.mark.parametrize(
    ("op", "container"),
    [*product(["trim", "preview"], ["mp4", "mkv", "flv"]), ("trim", "ts")],
)
async def test_a_part_begins_with_the_picture_that_is_shown_at_its_start(
    bench: Bench, film: FilmMaker, op: str, container: str
) -> None:
    steps = "color=black:size=64x64:rate=5:duration=4,geq=lum=20+10*N:cb=128:cr=128"
    beep = "aevalsrc=sin(2000*t)*gte(t\\,1.7):d=4"
    sources = ("-f", "lavfi", "-i", steps, "-f", "lavfi", "-i", beep)
    coded = ("-c:v", "libx264", "-crf", "10", "-bf", "2", "-g", "3", "-c:a", "aac")
    source = film(f"steps.{container}", *sources, *coded)
    late = waits(source)
    # Up to 8, Matroska begins with what the decoder of sound needs, 23 ms earlier.
    rounded = 0.003 if container != "mkv" or ffmpeg().version >= (9,) else 0.025
    for begin in (1.0, 1.0999, 1.19, 1.5):
        part = {"start": begin, "end": begin + 2} if op == "trim" else {"at": begin, "seconds": 2}
        name = f"from-{begin * 10000:g}"
        (output,) = (await bench.make(source, {"op": op, "name": name, **part})).values()
        shown = [*times_and_light(bench.path(output))]
        first = floor((begin - late) * 5 + 0.005)
        numbers = range(first, first + len(shown))
        assert [time for time, _ in shown] == pytest.approx(
            [max(0, late + number / 5 - begin) for number in numbers], abs=rounded
        )
        # Grey is of the full range, the film's light of 219 steps from 16 on.
        light = [(4 + 10 * number) * 255 / 219 for number in numbers]
        assert [grey for _, grey in shown] == pytest.approx(light, abs=4)
        assert output.duration_seconds == pytest.approx(2, abs=1 / 5)
        if op == "trim":
            assert onset(bench.path(output)) == pytest.approx(1.7 + late - begin, abs=0.03)


def times_and_light(path: Path) -> Iterator[tuple[float, float]]:
    with av.open(str(path)) as media:
        for frame in media.decode(video=0):
            yield frame.time or 0.0, float(frame.to_ndarray(format="gray").mean())


@pytest.mark.parametrize("container", ["mp4", "mkv"])
async def test_a_part_within_a_long_picture_shows_it(
    bench: Bench, film: FilmMaker, container: str
) -> None:
    stills = "select='lt(t,0.5)+gt(t,3.5)'"
    source = film(f"stills.{container}", *pattern("160x96", 4), "-vf", stills, "-fps_mode", "vfr")
    made = await bench.make(source, {"op": "trim", "start": 2, "end": 3.8})
    assert made["trim.mp4"].duration_seconds == pytest.approx(1.8, abs=0.05)
    times = [time for time, _ in times_and_light(bench.path(made["trim.mp4"]))]
    assert times[:3] == pytest.approx([0, 1.52, 1.56], abs=0.003)


@pytest.mark.parametrize("container", ["avi", "mp4"])
@pytest.mark.parametrize(("start", "end"), [(0, 0.3), (1, 1.3), (1.5, 1.8), (0, 1.4)])
async def test_so_does_one_of_a_film_with_a_picture_a_second(
    bench: Bench, film: FilmMaker, container: str, start: float, end: float
) -> None:
    """AVI counts time in pictures."""
    pictures = ("-f", "lavfi", "-i", "testsrc2=size=160x96:rate=1:duration=6")
    source = film(f"slow.{container}", *pictures, "-c:v", "mpeg4")
    made = await bench.make(source, {"op": "trim", "start": start, "end": end})
    with av.open(str(bench.path(made["trim.mp4"]))) as media:
        assert [frame.time for frame in media.decode(video=0)] == [0, 1][: ceil(end - start)]
        assert float(media.duration or 0) / av.time_base == pytest.approx(end - start, abs=0.01)


async def test_a_part_behind_the_end_is_refused(bench: Bench, colours: Path) -> None:
    with pytest.raises(InvalidJob, match="start 9 is behind the film's end"):
        await bench.make(colours, {"op": "trim", "start": 9})


@pytest.mark.parametrize("start", [0.5, 1.0])
async def test_a_part_over_a_change_of_size_is_as_long_as_asked(
    bench: Bench, film: FilmMaker, start: float
) -> None:
    small = film("small.ts", *pattern("160x96", 2), "-bf", "0")
    large = film("large.ts", *pattern("320x192", 2), "-bf", "0")
    source = film("changes.mkv", "-i", f"concat:{small}|{large}", "-c", "copy")
    made = await bench.make(
        source,
        {"op": "trim", "start": start, "end": start + 2},
        {"op": "preview", "at": start, "seconds": 2},
    )
    lengths = [made[name].duration_seconds for name in ("trim.mp4", "preview.mp4")]
    assert lengths == pytest.approx([2, 2], abs=0.09)
