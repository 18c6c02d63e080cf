"""When ffmpeg is looked for, and what is said where there is none."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.process.video.ffmpeg.lookup import Lookup
from shared.errors import EngineUnavailable

_OLD = "#!/bin/sh\necho ffmpeg version 4.2.2\n"
_NEW = "#!/bin/sh\necho ffmpeg version 5.1.1 --enable-libx264\n"
_SENTENCE = "FFMPEG: ffmpeg: ffmpeg 4.2.2 is older than 5.1."


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "ffmpeg"
    path.write_text(_OLD)
    path.chmod(0o755)
    return path


async def test_one_that_is_too_old_is_told_before_a_film_comes(program: Path) -> None:
    lookup = Lookup(str(program))
    with capture_logs() as logs:
        await lookup.ahead()
    assert lookup.fault == f"no film can be made: {_SENTENCE}"
    (line,) = logs
    assert (line["event"], line["reason"]) == ("no film can be made", _SENTENCE)


async def test_one_that_was_mended_is_found_by_the_next_film(program: Path) -> None:
    lookup = Lookup(str(program))
    with pytest.raises(EngineUnavailable, match=_SENTENCE):
        await lookup.program()
    assert lookup.fault is not None
    program.write_text(_NEW)
    assert (await lookup.program()).name == "ffmpeg 5.1.1"
    assert lookup.fault is None


async def test_without_a_setting_nothing_is_looked_for_before_a_film_comes(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "services.process.video.ffmpeg.lookup.find", lambda _: pytest.fail("looked")
    )
    lookup = Lookup(None)
    await lookup.ahead()
    assert lookup.fault is None
