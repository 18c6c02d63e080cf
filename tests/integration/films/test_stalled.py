"""ffmpeg that stands still: it is killed, and its job is tried again."""

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.process.settings import ProcessSettings
from services.process.stage import opened
from services.process.video.ffmpeg.run import run
from services.process.video.settings import FilmSettings
from shared.errors import EngineUnavailable
from shared.jobs import Operation
from tests.films import BUNNY, Bench, FilmMaker, ffmpeg, pattern
from tests.flow import flow
from tests.integration.films.looks import SMALL, processes_with

GIVEN_UP = r"^ffmpeg stood still for 1 seconds \(PROCESS_STALL_SECONDS\)\.$"


async def test_one_whose_film_stops_coming_is_killed(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    """It tells all the time how far it is, which is no progress."""
    whole = film("stops.mkv", *pattern("160x96", 20.0), "-c:v", "mpeg2video").read_bytes()
    pipe = tmp_path / "film"
    os.mkfifo(pipe)
    given = threading.Event()

    def give() -> None:
        with pipe.open("wb") as end:
            end.write(whole[: len(whole) // 2])
            end.flush()
            given.wait(60)

    giving = asyncio.create_task(asyncio.to_thread(give))
    grant = FilmSettings().grant(replace(ProcessSettings().bounds, stall_seconds=1.0))
    reached: list[float] = []
    told = ("-nostdin", "-nostats", "-v", "info", "-progress", "pipe:1", "-stats_period", "0.1")
    arguments = (*told, "-f", "matroska", "-i", f"file:{pipe}", "-f", "null", "-")
    try:
        with capture_logs() as lines, pytest.raises(EngineUnavailable, match=GIVEN_UP):
            await run(ffmpeg(), arguments, grant, bench.work, lambda p: reached.append(p.seconds))
    finally:
        given.set()
        await giving
    assert reached[-1] < 20
    # Up to 6 it tells nothing meanwhile.
    assert reached.count(reached[-1]) > 3 or ffmpeg().version < (7,)
    assert not processes_with(bench.work.directory)
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("ffmpeg was given up", "warning")
    assert "mpeg2video" in line["said"]


async def test_one_that_could_not_be_started_was_not_given_up(bench: Bench) -> None:
    bench.work.directory.rmdir()
    grant = FilmSettings().grant(ProcessSettings().bounds)
    with capture_logs() as lines, pytest.raises(EngineUnavailable, match="could be started"):
        await run(ffmpeg(), ("-version",), grant, bench.work)
    assert lines == []


@pytest.mark.usefixtures("impatient")
async def test_its_job_is_tried_again(tmp_path: Path) -> None:
    """The program stands still once, with a child that does the same, and then works."""
    program = tmp_path / "ffmpeg"
    program.write_text(
        f"""#!/bin/sh
        if [ "$1" != -version ] && mkdir {tmp_path}/once; then sleep 1000 & wait; fi
        exec {ffmpeg().path} "$@"
        """
    )
    program.chmod(0o755)
    settings = ProcessSettings(process_workers=1, process_stall_seconds=1)
    errors = []
    async with (
        opened(settings, FilmSettings(ffmpeg=str(program))) as process,
        flow(tmp_path) as one,
    ):

        async def make(_: Any, work: Any) -> None:
            try:
                await process.media["video"].make(BUNNY, (Operation.model_validate(SMALL),), work)
            except EngineUnavailable as error:
                errors.append(str(error))
                assert not processes_with(work.directory)
                raise

        one.before["process"] = make
        await one.submit()
        assert (await one.end_of())["outcome"] == "completed"
        await one.quiet()
        assert one.left() == []
    assert errors == ["ffmpeg stood still for 1 seconds (PROCESS_STALL_SECONDS)."]
