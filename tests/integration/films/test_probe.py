"""What `probe` tells."""

import pytest

from tests.films import BUNNY, Bench


async def test_probe_tells_what_the_film_is(bench: Bench) -> None:
    output = (await bench.make(BUNNY, "probe"))["probe.json"]
    assert output.value is not None
    assert output.value["durationSeconds"] == pytest.approx(5.312)
    video = output.value["video"]
    assert (video["codec"], video["width"], video["height"]) == ("h264", 1280, 720)
    assert (video["frameRate"], video["rotation"], video["hdr"]) == (25, 0, None)
    assert [track["channels"] for track in output.value["audio"]] == [6]
