"""What films become, made and probed by the real ffmpeg."""

import av
import pytest
from PIL import Image, ImageStat

from tests.films import BUNNY, CORPUS, TONE, Bench, FilmMaker, ffmpeg, pattern
from tests.integration.films.looks import (
    SMALL,
    brightness,
    check_file,
    check_plays,
    difference,
    refusal,
)


async def test_the_film_preset(bench: Bench) -> None:
    outputs = await bench.make(BUNNY)
    assert list(outputs) == [*("720p.mp4", "480p.mp4", "360p.mp4", "poster.webp", "storyboard.vtt")]
    for name, size in {"720p": (1280, 720), "480p": (854, 480), "360p": (640, 360)}.items():
        output = outputs[f"{name}.mp4"]
        assert (output.width, output.height) == size
        assert output.media_type == "video/mp4"
        assert output.duration_seconds == pytest.approx(5.31, abs=0.1)
        assert output.engine is not None
        assert output.engine.startswith("ffmpeg ")
        check_file(bench, output)
        check_plays(bench.path(output), size)
    assert (outputs["poster.webp"].width, outputs["poster.webp"].height) == (1280, 720)
    check_file(bench, outputs["poster.webp"])
    names = sorted(path.name for path in bench.work.directory.iterdir())
    assert names == sorted([*[*outputs][:-1], "storyboard"])


async def test_progress_rises_to_100(bench: Bench) -> None:
    await bench.make(BUNNY)
    assert bench.told == sorted(bench.told)
    assert bench.told[-1] == 100
    assert bench.told.count(100) == 1
    assert any(5 < percent < 100 for percent in bench.told)


async def test_what_was_used_is_counted(bench: Bench) -> None:
    await bench.make(BUNNY, {"op": "renditions", "heights": 360})
    assert bench.work.spent.cpu_seconds > 0.1
    assert bench.work.spent.peak_memory_bytes > 20 * 2**20


async def test_ffmpeg_is_told_of_every_output(bench: Bench) -> None:
    name = ffmpeg().name
    outputs = await bench.make(BUNNY, SMALL, "poster", "storyboard", "waveform", "probe")
    engines = {name: output.engine for name, output in outputs.items()}
    assert engines.pop("96p.mp4") == name
    assert engines.pop("probe.json") == name
    assert len(engines) == 3
    for engine in engines.values():
        assert engine is not None
        first, second = engine.split(", ")
        assert first == name
        assert second.startswith(("vips ", "pillow "))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("854x480", {"480p.mp4": (854, 480), "360p.mp4": (640, 360)}),
        ("320x240", {"240p.mp4": (320, 240)}),
        ("322x182", {"182p.mp4": (322, 182)}),
        ("480x854", {"480p.mp4": (480, 854), "360p.mp4": (360, 640)}),
        ("2x2", {"2p.mp4": (2, 2)}),
    ],
)
async def test_a_film_is_never_enlarged(
    bench: Bench, film: FilmMaker, size: str, expected: dict[str, tuple[int, int]]
) -> None:
    source = film(f"{size}.mkv", *pattern(size), "-c:v", "ffv1")
    outputs = await bench.make(source, "renditions")
    assert {name: (o.width, o.height) for name, o in outputs.items()} == expected
    for output in outputs.values():
        check_plays(bench.path(output), expected[f"{output.name}.mp4"])


async def test_odd_sizes_become_even(bench: Bench, film: FilmMaker) -> None:
    odd = pattern("322x242", more=",format=yuv444p,crop=321:241")
    source = film("odd.webm", *odd, "-c:v", "libvpx-vp9", "-pix_fmt", "yuv444p")
    outputs = await bench.make(source)
    check_plays(bench.path(outputs["240p.mp4"]), (320, 240))
    assert (outputs["poster.webp"].width, outputs["poster.webp"].height) == (321, 241)


async def test_a_turned_film_is_made_upright(bench: Bench, film: FilmMaker) -> None:
    lying = film("lying.mp4", *pattern("640x480"), "-c:v", "libx264")
    source = film("turned.mp4", "-display_rotation", "90", "-i", str(lying), "-c", "copy")
    outputs = await bench.make(source)
    for name in ("480p.mp4", "360p.mp4"):
        assert outputs[name].width < outputs[name].height  # type: ignore[operator]
        with av.open(str(bench.path(outputs[name]))) as media:
            assert next(media.decode(video=0)).rotation == 0
    # The pattern's bars go from left to right; a quarter turn lays them one above another.
    with Image.open(bench.path(outputs["poster.webp"])) as poster:
        assert poster.size == (480, 640)
        across = ImageStat.Stat(poster.convert("L").crop((10, 200, 470, 204))).stddev[0]
        down = ImageStat.Stat(poster.convert("L").crop((100, 10, 104, 630))).stddev[0]
    assert across < down


async def test_pixels_too_wide_are_refused(bench: Bench, film: FilmMaker) -> None:
    source = film("flat.mkv", *pattern("640x480", more=",setsar=100"), "-c:v", "ffv1")
    assert "64000 × 480 pixels" in str(await refusal(bench, source))


async def test_wide_pixels_become_square(bench: Bench, film: FilmMaker) -> None:
    source = film("wide.mp4", *pattern("720x576", more=",setsar=64/45"), "-c:v", "libx264")
    outputs = await bench.make(source)
    check_plays(bench.path(outputs["480p.mp4"]), (854, 480))
    assert (outputs["poster.webp"].width, outputs["poster.webp"].height) == (1024, 576)


async def test_a_silent_film_stays_silent(bench: Bench, film: FilmMaker) -> None:
    source = film("silent.mp4", *pattern("320x240"), "-c:v", "libx264")
    outputs = await bench.make(source, "renditions")
    with av.open(str(bench.path(outputs["240p.mp4"]))) as media:
        assert not media.streams.audio


async def test_sound_can_be_left_out(bench: Bench) -> None:
    outputs = await bench.make(BUNNY, {"op": "renditions", "heights": 360, "audio": False})
    with av.open(str(bench.path(outputs["360p.mp4"]))) as media:
        assert not media.streams.audio


async def test_nothing_of_the_sources_metadata_is_kept(bench: Bench, film: FilmMaker) -> None:
    place = ("-metadata", "location=+48.1374+011.5755/", "-metadata", "title=secret")
    source = film("told.mp4", *pattern("320x240"), *TONE, "-c:v", "libx264", *place)
    assert b"secret" in source.read_bytes()
    outputs = await bench.make(source)
    for output in outputs.values():
        content = bench.path(output).read_bytes()
        assert b"secret" not in content
        assert b"48.1374" not in content


async def test_a_rendition_plays_before_it_is_loaded(bench: Bench) -> None:
    outputs = await bench.make(BUNNY, {"op": "renditions", "heights": 360})
    content = bench.path(outputs["360p.mp4"]).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


async def test_several_ladders_are_made_in_one_go(bench: Bench) -> None:
    outputs = await bench.make(
        BUNNY,
        {"op": "renditions", "heights": [360], "crf": 18},
        {"op": "renditions", "name": "small", "heights": [360, 180], "crf": 40},
    )
    assert set(outputs) == {"360p.mp4", "small-360p.mp4", "small-180p.mp4"}
    assert outputs["360p.mp4"].size > 2 * outputs["small-360p.mp4"].size


@pytest.mark.parametrize("container", ["avi", "flv", "mkv", "mov", "mpg", "ogv", "ts", "wmv"])
async def test_containers(bench: Bench, film: FilmMaker, container: str) -> None:
    codecs = ("-c:v", "libtheora", "-f", "ogg") if container == "ogv" else ()
    source = film(f"film.{container}", *pattern("320x240"), *codecs)
    outputs = await bench.make(source)
    check_plays(bench.path(outputs["240p.mp4"]), (320, 240))
    assert brightness(bench.path(outputs["poster.webp"])) > 60


async def test_a_film_that_does_not_tell_its_length(bench: Bench, film: FilmMaker) -> None:
    source = film("piped.webm", *pattern("320x240", 2), "-c:v", "libvpx", "-live", "1")
    with av.open(str(source)) as media:
        assert media.duration is None
    outputs = await bench.make(source)
    assert outputs["240p.mp4"].duration_seconds == pytest.approx(2, abs=0.1)
    assert bench.told == sorted(bench.told)


async def test_hdr_films_get_the_colours_of_all_screens(bench: Bench, film: FilmMaker) -> None:
    told = "transfer=arib-std-b67:colorprim=bt2020:colormatrix=bt2020nc:log-level=error"
    filters = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,"
        "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt2020,"
        "zscale=t=arib-std-b67:m=bt2020nc:r=tv,format=yuv420p10le"
    )
    start = ("-i", str(BUNNY), "-t", "0.5", "-an", "-vf", filters, "-c:v", "libx265")
    source = film("hdr.mp4", *start, "-x265-params", told)
    outputs = await bench.make(source, {"op": "poster", "at": 0, "formats": "png"})
    with av.open(str(BUNNY)) as media:
        original: Image.Image = next(media.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
    assert difference(bench.path(outputs["poster.png"]), original) < 20


# These come beside the films that the tests make: others' encoders write what ours never would.
# They are no part of the repository, whose own tests must not need them.
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus here")
@pytest.mark.parametrize("name", ["bikes.mp4", "cockatoo.mp4", "realshort.mp4"])
async def test_films_from_elsewhere(bench: Bench, name: str) -> None:
    outputs = await bench.make(CORPUS / name, {"op": "renditions", "preset": "ultrafast"}, "poster")
    for output in outputs.values():
        check_file(bench, output)
    assert brightness(bench.path(outputs["poster.webp"])) > 30
