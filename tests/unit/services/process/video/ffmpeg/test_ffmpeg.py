"""Which ffmpeg is taken. The programs here are real executables that answer like ffmpeg."""

from pathlib import Path

import imageio_ffmpeg
import pytest

from services.process.video.ffmpeg.ffmpeg import find, identify, parse
from shared.errors import EngineUnavailable

_BUILT = "configuration: --enable-gpl --enable-libx264 --enable-libzimg"


def program(path: Path, answer: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("first_line", "version", "name"),
    [
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright", (5, 1, 9), "ffmpeg 5.1.9"),
        ("ffmpeg version n9.0.2-17-g2a571b6068-20260930", (9, 0, 2), "ffmpeg 9.0.2"),
        ("ffmpeg version 7.1 Copyright", (7, 1, 0), "ffmpeg 7.1.0"),
        ("ffmpeg version N-118193-g5f38c82536 Copyright", (8, 0, 0), "ffmpeg 8.0.0"),
    ],
)
def test_versions(first_line: str, version: tuple[int, int, int], name: str) -> None:
    answer = f"{first_line}\n{_BUILT}\nlibavcodec     62.  3.100 / 62.  3.100\n"
    found = parse(Path("/usr/bin/ffmpeg"), answer)
    assert found.version == version
    assert found.name == name
    assert found.libraries == {"libx264", "libzimg"}


def test_the_wheels_program_is_found_and_usable() -> None:
    found = identify(Path(imageio_ffmpeg.get_ffmpeg_exe()))
    assert found.version >= (5, 1, 0)


def test_the_newest_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "old" / "ffmpeg", f"ffmpeg version 5.1\n{_BUILT}")
    newer = program(tmp_path / "new" / "ffmpeg", f"ffmpeg version 99.0\n{_BUILT}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:/usr/bin:/bin")
    assert find().path == Path(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", f"{tmp_path / 'new'}:/usr/bin:/bin")
    assert find().path == newer


def test_the_newest_on_the_machine_is_taken_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "first" / "ffmpeg", f"ffmpeg version 98.0\n{_BUILT}")
    newest = program(tmp_path / "second" / "ffmpeg", f"ffmpeg version 99.0\n{_BUILT}")
    program(tmp_path / "third" / "ffmpeg", f"ffmpeg version 97.0\n{_BUILT}")
    folders = ":".join(str(tmp_path / name) for name in ("first", "second", "third", "none"))
    monkeypatch.setenv("PATH", f"{folders}:/usr/bin:/bin")
    assert find().path == newest


def test_the_machines_own_is_taken_before_the_wheels_of_the_same_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = identify(Path(imageio_ffmpeg.get_ffmpeg_exe())).version
    told = ".".join(map(str, version))
    own = program(tmp_path / "ffmpeg", f"ffmpeg version {told}\n{_BUILT}")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert find().path == own


def test_one_without_an_encoder_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "ffmpeg", "ffmpeg version 99.0\nconfiguration: --enable-gpl")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert find().version < (99, 0, 0)


def test_the_setting_goes_first(tmp_path: Path) -> None:
    chosen = program(tmp_path / "ffmpeg", f"ffmpeg version 5.1.2\n{_BUILT}")
    assert find(str(chosen)).version == (5, 1, 2)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (f"ffmpeg version 4.4.2\n{_BUILT}", "^FFMPEG: ffmpeg: ffmpeg 4.4.2 is older than 5.1.$"),
        ("ffmpeg version 6.0\nconfiguration: --disable-gpl", "^FFMPEG: .* built without libx264"),
        ("hello", "^FFMPEG: .* does not answer like ffmpeg"),
    ],
)
def test_an_unusable_setting_is_explained(tmp_path: Path, answer: str, sentence: str) -> None:
    with pytest.raises(EngineUnavailable, match=sentence):
        find(str(program(tmp_path / "ffmpeg", answer)))


def test_a_missing_program_is_named() -> None:
    with pytest.raises(EngineUnavailable, match="FFMPEG: there is no program 'ffmpeg-of-yore'"):
        find("ffmpeg-of-yore")


@pytest.mark.parametrize(
    ("version", "shortest"), [("5.1", False), ("6.0", False), ("7.0", True), ("8.0", True)]
)
def test_two_releases_tell_of_the_shortest_output(version: str, shortest: bool) -> None:
    found = parse(Path("/usr/bin/ffmpeg"), f"ffmpeg version {version} Copyright\n{_BUILT}\n")
    assert found.tells_the_shortest is shortest
