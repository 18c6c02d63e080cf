"""Matroska recorded into a pipe tells neither its size nor its length: where it was cut off."""

import subprocess
from pathlib import Path

import pytest

from shared.errors import CorruptMedia
from tests.films import TONE, Bench, ffmpeg, pattern
from tests.integration.films.looks import SMALL, refusal

LIVE = ("-live", "1")  # not even clusters tell their size
CLUSTERS: tuple[str, ...] = ()


def recorded(*options: str) -> bytes:
    """Three seconds of film, recorded into a pipe."""
    coded = ("-c:v", "libx264", "-g", "25", "-cluster_time_limit", "500", *options)
    argv = (*pattern("160x96", 3.0), *TONE, *coded, "-f", "matroska", "-")
    return subprocess.run(
        [ffmpeg().path, "-v", "error", *argv], check=True, capture_output=True
    ).stdout


@pytest.fixture(params=[CLUSTERS, LIVE], ids=["clusters", "live"])
def recording(request: pytest.FixtureRequest) -> bytes:
    return recorded(*request.param)


async def test_a_whole_one_is_a_film(bench: Bench, recording: bytes, tmp_path: Path) -> None:
    source = tmp_path / "film.mkv"
    source.write_bytes(recording)
    made = await bench.make(source, SMALL)
    assert made["96p.mp4"].duration_seconds == pytest.approx(3, abs=0.1)


async def test_one_that_breaks_off_is_refused(
    bench: Bench, recording: bytes, tmp_path: Path
) -> None:
    source = tmp_path / "film.mkv"
    source.write_bytes(recording[: len(recording) * 6 // 10])
    for operation in (SMALL, "storyboard", "audio"):
        error = await refusal(bench, source, operation, "poster")
        assert isinstance(error, CorruptMedia)
        assert "breaks off after" in str(error)
    made = await bench.make(source, "poster", "probe", {**SMALL, "salvage": True})
    assert made["96p.mp4"].duration_seconds is not None
    assert 1 < made["96p.mp4"].duration_seconds < 2.9
    assert made["96p.mp4"].missing_seconds is None


async def test_one_that_claims_more_than_any_file_has_is_refused(
    bench: Bench, tmp_path: Path
) -> None:
    source = tmp_path / "film.mkv"
    claims = b"\xec\x01" + (2**56 - 2).to_bytes(7)  # an element to be passed over
    source.write_bytes(recorded() + claims)
    error = await refusal(bench, source, SMALL)
    assert isinstance(error, CorruptMedia)
    assert "breaks off after" in str(error)
