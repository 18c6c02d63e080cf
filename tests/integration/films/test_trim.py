"""Parts of films, cut by the real ffmpeg."""

from pathlib import Path

import av
import pytest

from shared.errors import InvalidJob
from tests.films import Bench
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
