"""Films whose header says another length than they have: the header is not believed."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.errors import CorruptMedia, MillraceError, SourceTooLarge
from tests.films import Bench, Benches, FilmMaker, pattern
from tests.integration.films.looks import SMALL, refusal

_HOUR = 3600.0
_DURATION = b"\x44\x89\x88"  # the element of a Matroska header, and its eight bytes
_RATE = b"\x23\xe3\x83"  # the element of nanoseconds for a picture


@pytest.fixture
def honest(film: FilmMaker) -> Path:
    tone = ("-f", "lavfi", "-i", "sine=duration=4")
    return film("honest.mkv", *pattern("160x96", 4), *tone, "-g", "25")


@dataclass(frozen=True)
class Claims:
    """Makes films of four seconds that claim others."""

    honest: Path
    folder: Path

    def __call__(self, seconds: float, *, half: bool = False) -> Path:
        content = self.honest.read_bytes()
        at = content.index(_DURATION) + len(_DURATION)
        content = content[:at] + struct.pack(">d", 1000 * seconds) + content[at + 8 :]
        source = self.folder / "claims.mkv"
        source.write_bytes(content[: len(content) // 2] if half else content)
        return source


@pytest.fixture
def claims(honest: Path, tmp_path: Path) -> Claims:
    return Claims(honest, tmp_path)


@pytest.mark.parametrize("hours", [5, 24], ids=["allowed", "too long"])
async def test_everything_is_made_of_what_is_there(
    bench: Bench, claims: Claims, hours: float
) -> None:
    preview = {"op": "preview", "width": 96, "at": "50%", "seconds": 1}
    gif = {**preview, "name": "moving", "format": "gif"}
    outputs = await bench.make(
        claims(hours * _HOUR), "probe", SMALL, preview, gif, "poster", "thumbnails", "storyboard"
    )
    told = outputs["probe.json"].value
    assert told is not None
    assert told["durationSeconds"] == pytest.approx(4, abs=0.1)
    assert outputs["96p.mp4"].duration_seconds == pytest.approx(4, abs=0.1)
    assert outputs["preview.mp4"].duration_seconds == pytest.approx(1, abs=0.1)
    assert "thumbnails-5.webp" in outputs


async def test_a_film_that_breaks_off_is_not_made_whole_by_that(
    bench: Bench, claims: Claims
) -> None:
    assert isinstance(await refusal(bench, claims(4, half=True), SMALL), CorruptMedia)
    assert isinstance(await refusal(bench, claims(24 * _HOUR, half=True), SMALL), MillraceError)


async def test_a_film_that_is_as_long_as_it_says_is_too_long(
    benches: Benches, honest: Path
) -> None:
    error = await refusal(await benches(max_video_seconds=2), honest, "probe")
    assert isinstance(error, SourceTooLarge)
    assert "4.0 seconds long; 2 seconds are allowed" in str(error)


@pytest.mark.parametrize(("most", "refused"), [(99, True), (100, False)])
async def test_pictures_are_counted_where_no_table_tells_them(
    benches: Benches, honest: Path, tmp_path: Path, most: int, refused: bool
) -> None:
    """A header that claims a thousand pictures a second."""
    content = honest.read_bytes()
    at = content.index(_RATE) + len(_RATE)
    length = content[at] & 0x7F
    source = tmp_path / "fast.mkv"
    rate = (1_000_000).to_bytes(length)
    source.write_bytes(content[: at + 1] + rate + content[at + 1 + length :])
    bench = await benches(max_video_frames=most)
    if refused:
        error: Any = await refusal(bench, source, "probe")
        assert str(error) == "The film has more than 99 pictures; no more are allowed."
    else:
        assert await bench.make(source, "probe")


async def test_a_film_with_a_hole_up_to_its_end_is_no_header_that_claims(
    bench: Bench, honest: Path, tmp_path: Path
) -> None:
    """As a download that was given all of its room at once, and never finished."""
    content = honest.read_bytes()
    source = tmp_path / "hole.mkv"
    half = len(content) // 2
    source.write_bytes(content[:half] + bytes(len(content) - half))
    assert isinstance(await refusal(bench, source, {**SMALL, "crf": 30}), CorruptMedia)


@pytest.fixture
def avi(film: FilmMaker) -> bytes:
    tone = ("-f", "lavfi", "-i", "sine=duration=4")
    coded = ("-c:v", "mpeg4", "-q:v", "2", "-c:a", "mp3", "-g", "25")
    return film("honest.avi", *pattern("320x192", 4), *tone, *coded).read_bytes()


def claiming(avi: bytes, hours: float) -> bytes:
    """The AVI film, whose headers claim so many hours: the main one, and one for each stream."""
    changed = bytearray(avi)
    struct.pack_into("<I", changed, changed.index(b"avih") + 8 + 16, int(hours * _HOUR * 25))
    for kind in (b"vids", b"auds"):
        at = changed.index(b"strh\x38\0\0\0" + kind) + 8
        scale, rate = struct.unpack_from("<II", changed, at + 20)
        struct.pack_into("<I", changed, at + 32, int(hours * _HOUR * rate / scale))
    return bytes(changed)


@pytest.mark.parametrize("hours", [5, 24], ids=["allowed", "too long"])
async def test_all_is_made_of_the_avi_that_is_there(
    bench: Bench, avi: bytes, tmp_path: Path, hours: float
) -> None:
    source = tmp_path / "claims.avi"
    source.write_bytes(claiming(avi, hours))
    outputs = await bench.make(source, "probe", SMALL, "poster", "thumbnails", "storyboard")
    told = outputs["probe.json"].value
    assert told is not None
    assert told["durationSeconds"] == pytest.approx(4, abs=0.1)
    assert outputs["96p.mp4"].duration_seconds == pytest.approx(4, abs=0.1)
    assert "thumbnails-5.webp" in outputs


async def test_an_avi_that_breaks_off_is_not_made_whole_by_that(
    bench: Bench, avi: bytes, tmp_path: Path
) -> None:
    source = tmp_path / "half.avi"
    source.write_bytes(claiming(avi, 24)[: len(avi) // 2])
    assert isinstance(await refusal(bench, source, SMALL), MillraceError)


async def test_an_avi_with_too_many_pictures_is_refused(
    benches: Benches, avi: bytes, tmp_path: Path
) -> None:
    source = tmp_path / "many.avi"
    source.write_bytes(claiming(avi, 24))
    error = await refusal(await benches(max_video_frames=99), source, "probe")
    assert str(error) == "The film has more than 99 pictures; no more are allowed."
