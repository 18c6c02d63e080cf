"""What ffmpeg said last is in the log, with the job."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.process.settings import ProcessSettings
from services.process.video.ffmpeg.run import run
from services.process.video.settings import FilmSettings
from shared.errors import CorruptMedia, EngineUnavailable, MillraceError
from tests.films import BUNNY, Bench, FilmMaker, ffmpeg
from tests.integration.films.looks import SLOW, SMALL, processes_with
from tests.waiting import until


async def test_what_a_failed_ffmpeg_said_is_logged(bench: Bench) -> None:
    bench.work.log = bench.work.log.bind(jobId="film-1")
    nowhere = ("-v", "error", "-i", "file:" + "n" * 3000 + "/last")
    with capture_logs() as lines, pytest.raises(MillraceError):
        await run(ffmpeg(), nowhere, FilmSettings().grant(ProcessSettings().bounds), bench.work)
    (line,) = lines
    assert (line["event"], line["log_level"], line["jobId"]) == (
        "ffmpeg failed",
        "warning",
        "film-1",
    )
    assert line["code"] > 0
    assert "nnn/last" in line["said"]
    assert len(line["said"]) == 2048


async def test_what_it_complained_of_is_logged_where_the_film_is_refused(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    whole = film("whole.mp4", "-i", str(BUNNY), "-c", "copy", "-movflags", "+faststart")
    source = tmp_path / "half.mp4"
    source.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with capture_logs() as lines, pytest.raises(CorruptMedia):
        await bench.make(source, SMALL)
    said = [line["said"] for line in lines if line["event"] == "ffmpeg complained"]
    assert len(said) == 1
    assert 0 < len(said[0]) <= 2048


async def test_a_killed_ffmpeg_is_logged_too(bench: Bench) -> None:
    with capture_logs() as lines:
        making = asyncio.create_task(bench.make(BUNNY, SLOW))
        await until(lambda: len(bench.told) > 1)
        for pid in processes_with(bench.work.directory):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(EngineUnavailable):
            await making
    assert [line["code"] for line in lines if line["event"] == "ffmpeg failed"] == [-9]


async def test_a_sound_film_leaves_no_line(bench: Bench) -> None:
    with capture_logs() as lines:
        await bench.make(BUNNY, SMALL)
    assert not [line for line in lines if line["event"].startswith("ffmpeg")]
