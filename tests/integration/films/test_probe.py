"""What `probe` tells."""

import pytest

from tests.films import BUNNY, Bench, FilmMaker, pattern


async def test_probe_tells_what_the_film_is(bench: Bench) -> None:
    output = (await bench.make(BUNNY, "probe"))["probe.json"]
    assert output.value is not None
    assert output.value["durationSeconds"] == pytest.approx(5.312)
    video = output.value["video"]
    assert (video["codec"], video["width"], video["height"]) == ("h264", 1280, 720)
    assert (video["frameRate"], video["rotation"], video["hdr"]) == (25, 0, None)
    assert [track["channels"] for track in output.value["audio"]] == [6]


@pytest.mark.parametrize(
    ("name", "more", "shown", "stored", "aspect"),
    [
        ("odd.mkv", ",format=yuv444p,crop=161:97", (161, 97), (161, 97), "1:1"),
        ("wide.mkv", ",setsar=64/45", (228, 96), (160, 96), "64:45"),
    ],
)
async def test_probe_tells_the_size_as_coded_and_as_shown(
    bench: Bench,
    film: FilmMaker,
    name: str,
    more: str,
    shown: tuple[int, int],
    stored: tuple[int, int],
    aspect: str,
) -> None:
    size = "162x98" if "crop" in more else "160x96"
    source = film(f"sizes-{name}", *pattern(size, more=more), "-c:v", "ffv1")
    value = (await bench.make(source, "probe"))["probe.json"].value
    assert value is not None
    video = value["video"]
    assert (video["width"], video["height"]) == shown
    assert (video["storedWidth"], video["storedHeight"]) == stored
    assert video["pixelAspectRatio"] == aspect
