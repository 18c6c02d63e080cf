"""The oldest ffmpeg that is good enough, and one that is not. `make ffmpegs` runs all tests on many."""

import av
import pytest

from services.process.video.ffmpeg.ffmpeg import find
from shared.errors import EngineUnavailable
from tests.ffmpegs.builds import OLDEST, TOO_OLD, Build
from tests.films import TONE, Benches, FilmMaker, pattern
from tests.integration.films.looks import SMALL


def program(build: Build) -> str:
    if not build.program.exists():
        # Each is some 60 MB: `make test` fetches the oldest alone, which always runs in CI.
        pytest.skip(f"ffmpeg {build.version} is not here: `make ffmpegs` fetches it")
    return str(build.program)


async def test_the_oldest_makes_a_film_and_a_stream(benches: Benches, film: FilmMaker) -> None:
    bench = await benches(ffmpeg=program(OLDEST))
    source = film("of-all-versions.mkv", *pattern("320x180", 2), *TONE)
    stream = {"op": "hls", "heights": [180, 96], "segmentSeconds": 1, "preset": "ultrafast"}
    made = await bench.make(source, SMALL, "poster", "storyboard", {**stream, "dash": True})
    assert set(made) == {"96p.mp4", "poster.webp", "storyboard.vtt", "hls.m3u8"}
    assert made["96p.mp4"].engine == f"ffmpeg {OLDEST.version}"
    for path in (bench.path(made["96p.mp4"]), bench.path(made["hls.m3u8"])):
        with av.open(str(path)) as media:
            assert sum(1 for _ in media.decode(video=0)) == 50


def test_one_that_is_too_old_is_refused() -> None:
    with pytest.raises(EngineUnavailable, match=r"^FFMPEG: .*: ffmpeg 4.2.2 is older than 5.1.$"):
        find(program(TOO_OLD))
