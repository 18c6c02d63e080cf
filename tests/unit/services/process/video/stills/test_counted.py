"""How far a child is, by the files that it has written."""

import asyncio
from pathlib import Path

import pytest

from services.process.video.stills.counted import counted
from tests.waiting import until


async def test_the_share_of_files_that_are_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.process.video.stills.counted._LOOK_SECONDS", 0.01)
    files = [tmp_path / str(number) for number in range(4)]
    told: list[float] = []
    async with counted(files, told.append):
        files[0].touch()
        await until(lambda: 0.25 in told)
        files[1].touch()
        files[2].touch()
        await until(lambda: 0.75 in told)
    silent = len(told)
    files[3].touch()
    await asyncio.sleep(0.05)
    assert len(told) == silent
    assert told == sorted(told)
