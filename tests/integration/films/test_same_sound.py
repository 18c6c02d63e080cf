"""Files with the same sound come out of one output of ffmpeg, and are what each would be alone."""

import subprocess
from typing import Any

import pytest

from tests.films import TONE, Bench, Benches, FilmMaker, ffmpeg, pattern

THREADS = 2
SMALL = {"op": "renditions", "heights": [96], "preset": "ultrafast"}
# Every third picture is missing, and the sound begins later: what a muxer could get wrong.
UNEVEN = ("-vf", "select=mod(n\\,3)", "-fps_mode", "vfr")
LATE = ("-itsoffset", "0.3", *TONE)


async def test_a_file_is_what_an_output_of_its_own_would_be(
    benches: Benches, film: FilmMaker
) -> None:
    source = film("uneven.mkv", *pattern("320x180"), *LATE, *UNEVEN, "-c:a", "flac")
    bench = await benches("work", ffmpeg_threads=THREADS)
    made = await bench.make(source, {**SMALL, "name": "a"}, {**SMALL, "name": "b"})
    by_hand = bench.work.directory / "by-hand.mp4"
    subprocess.run(
        [
            *(ffmpeg().path, "-v", "error", "-threads", str(THREADS), "-i", source),
            *("-filter_complex_threads", str(THREADS)),
            *("-filter_complex", "scale=170:96:out_range=tv,format=yuv420p,setsar=1[v]"),
            *("-map", "[v]", "-map", "0:a", "-map_metadata", "-1", "-threads:v", str(THREADS)),
            *("-enc_time_base:v", "1/500", "-fps_mode", "vfr"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "23"),
            *("-c:a", "aac", "-b:a", "128k", "-ac", "2"),
            *("-fflags", "+bitexact", "-movflags", "+faststart", by_hand),
        ],
        check=True,
    )
    expected = by_hand.read_bytes()
    for output in made.values():
        assert bench.path(output).read_bytes() == expected


@pytest.mark.parametrize("codec", ["h264", "vp9"])
async def test_files_side_by_side_are_alike(bench: Bench, film: FilmMaker, codec: str) -> None:
    source = film("uneven.mkv", *pattern("320x180"), *LATE, *UNEVEN, "-c:a", "flac")
    wanted: dict[str, Any] = {**SMALL, "codec": codec}
    made = await bench.make(
        source, {**wanted, "name": "a"}, {**wanted, "name": "b"}, {**wanted, "audio": False}
    )
    a, b, silent = made.values()
    assert a.sha256 == b.sha256 != silent.sha256
    assert a.size > silent.size
