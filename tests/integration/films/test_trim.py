"""Parts of films, cut by the real ffmpeg."""

from pathlib import Path

import av
import pytest

from shared.errors import InvalidJob
from tests.films import Bench, FilmMaker, pattern
from tests.integration.films.looks import colour_of


async def test_a_part_is_cut_at_the_very_picture(bench: Bench, colours: Path) -> None:
    output = (await bench.make(colours, {"op": "trim", "start": 0.9, "end": 2.1}))["trim.mp4"]
    with av.open(str(bench.path(output))) as media:
        frames = [f.to_image() for f in media.decode(video=0)]  # type: ignore[no-untyped-call]
        assert len(media.streams.audio) == 1
    shown = [colour_of(frame) for frame in frames]
    assert shown == ["red"] + ["lime"] * 10 + ["blue"]
    assert output.duration_seconds == pytest.approx(1.2, abs=0.05)


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
