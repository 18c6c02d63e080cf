"""HDR films: as SDR, in sizes that 4:2:0 would not have, and kept as they are."""

from pathlib import Path

import av
import pytest

from services.process.video.ffmpeg.codecs import CODECS, CodecName
from shared.errors import CorruptMedia
from tests.films import Bench, FilmMaker, needs, pattern
from tests.integration.films.looks import SMALL, brightness, opened, refusal

_WIDE, _UPRIGHT = "320x134", "180x320"


@pytest.fixture(params=["smpte2084", "arib-std-b67"])
def transfer(request: pytest.FixtureRequest) -> str:
    told: str = request.param
    return told


def hdr(film: FilmMaker, size: str, transfer: str) -> Path:
    told = f"transfer={transfer}:colorprim=bt2020:colormatrix=bt2020nc:log-level=error"
    coded = ("-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast")
    return film(
        f"{transfer}-{size}.mp4", *pattern(size, 2, ",hue=s=0.5"), *coded, "-x265-params", told
    )


async def test_a_poster_has_an_odd_height(bench: Bench, film: FilmMaker, transfer: str) -> None:
    wanted = {"op": "poster", "width": 160, "formats": ["png"]}
    outputs = await bench.make(hdr(film, _WIDE, transfer), wanted)
    assert (outputs["poster.png"].width, outputs["poster.png"].height) == (160, 67)
    assert brightness(bench.path(outputs["poster.png"])) > 30


async def test_thumbnails_of_an_upright_film_have_odd_sides(
    bench: Bench, film: FilmMaker, transfer: str
) -> None:
    wanted = {"op": "thumbnails", "width": 51, "count": 2}
    outputs = await bench.make(hdr(film, _UPRIGHT, transfer), wanted)
    assert outputs
    assert {(o.width, o.height) for o in outputs.values()} == {(51, 91)}


async def test_a_storyboard_has_odd_heights(bench: Bench, film: FilmMaker, transfer: str) -> None:
    outputs = await bench.make(hdr(film, _WIDE, transfer), "storyboard")
    (board,) = outputs.values()
    assert board.height == 67


async def test_a_storyboard_beside_renditions_that_stay_hdr_has_odd_heights(
    bench: Bench, film: FilmMaker, transfer: str
) -> None:
    kept = {"op": "renditions", "codec": "hevc", "hdr": True, "preset": "ultrafast"}
    outputs = await bench.make(hdr(film, _WIDE, transfer), kept, "storyboard")
    assert outputs["storyboard.vtt"].height == 67


@pytest.fixture
def half(film: FilmMaker, tmp_path: Path, transfer: str) -> Path:
    """The first half of a film's bytes, with its index in front."""
    inputs = ("-i", str(hdr(film, _WIDE, transfer)), "-c", "copy", "-movflags", "+faststart")
    whole = film(f"whole-{transfer}.mp4", *inputs).read_bytes()
    source = tmp_path / "half.mp4"
    source.write_bytes(whole[: len(whole) // 2])
    return source


@pytest.mark.parametrize("operation", ["thumbnails", "storyboard"])
async def test_pictures_of_a_film_that_breaks_off_are_refused(
    bench: Bench, half: Path, operation: str
) -> None:
    error = await refusal(bench, half, operation)
    assert isinstance(error, CorruptMedia)
    assert "of its 2.0 seconds can be decoded" in str(error)


async def test_pictures_of_what_is_left_are_made(bench: Bench, half: Path) -> None:
    asked = {"op": "thumbnails", "count": 8, "width": 96, "formats": "png", "salvage": True}
    made = await bench.make(half, asked)
    assert 2 < len(made) < 6
    assert {output.missing_seconds for output in made.values()} != {None}
    pictures = {opened(bench, output).tobytes() for output in made.values()}
    assert len(pictures) == len(made)


@pytest.mark.parametrize("codec", ["hevc", "av1"])
async def test_hdr_is_kept_where_that_is_asked(
    bench: Bench, film: FilmMaker, codec: CodecName
) -> None:
    needs(CODECS[codec].library)
    told = "transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc:log-level=error"
    start = pattern("160x96", 0.4, ",format=yuv420p10le")
    source = film("pq.mp4", *start, "-c:v", "libx265", "-x265-params", told)
    kept = {**SMALL, "name": "kept", "codec": codec, "hdr": True}
    made = await bench.make(source, kept, SMALL, "probe")
    assert made["probe.json"].value is not None
    assert made["probe.json"].value["video"]["hdr"] == "PQ"
    looks = {}
    for name in ("kept-96p.mp4", "96p.mp4"):
        with av.open(str(bench.path(made[name]))) as media:
            frame = next(media.decode(video=0))
            looks[name] = (frame.format.name, int(frame.color_trc))
    assert looks["kept-96p.mp4"] == ("yuv420p10le", 16)
    assert looks["96p.mp4"][0] == "yuv420p"
    assert looks["96p.mp4"][1] != 16
