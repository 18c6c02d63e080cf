"""Pictures and sound that already are what is wanted are copied, not encoded."""

from pathlib import Path
from typing import Any

import av
import pytest

from shared.errors import CorruptMedia
from tests.films import TONE, Bench, FilmMaker, pattern
from tests.integration.films.looks import SMALL, onset, packets, refusal


async def test_a_film_that_is_what_is_wanted_is_copied(bench: Bench, film: FilmMaker) -> None:
    plain = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "45")
    source = film("fit.mkv", *pattern("160x96"), *TONE, *plain)
    fit = film("fit.mp4", "-i", str(source), "-c", "copy")
    made = await bench.make(
        fit,
        SMALL,
        {**SMALL, "name": "anew", "copySource": False},
        {**SMALL, "name": "finer", "crf": 10},
    )
    held = {name: packets(bench.path(output)) for name, output in made.items()}
    assert held["96p.mp4"] == packets(fit)
    assert held["anew-96p.mp4"] != held["96p.mp4"]
    (from_matroska,) = (await bench.make(source, {**SMALL, "name": "mkv"})).values()
    assert packets(bench.path(from_matroska)) == packets(source)
    assert made["finer-96p.mp4"].size > made["anew-96p.mp4"].size


@pytest.mark.parametrize("sound", [True, False])
async def test_a_film_with_a_hole_is_not_copied(
    bench: Bench, film: FilmMaker, tmp_path: Path, sound: bool
) -> None:
    """Its copy could not be decoded by those that are strict."""
    plain = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "45", "-c:a", "aac")
    streams = ("-movflags", "+faststart", *(() if sound else ("-an",)))
    tone = ("-f", "lavfi", "-i", "sine=duration=4")
    whole = film(f"{sound}.mp4", *pattern("160x96", 4), *tone, *plain, *streams).read_bytes()
    source = tmp_path / "hole.mp4"
    begin, end = int(0.4 * len(whole)), int(0.6 * len(whole))
    source.write_bytes(whole[:begin] + bytes(end - begin) + whole[end:])
    anew = {**SMALL, "name": "anew", "copySource": False}
    made = await bench.make(source, SMALL, anew, {**SMALL, "name": "small", "heights": [64]})
    shown = {}
    for name, output in made.items():
        with av.open(str(bench.path(output))) as media:
            shown[name] = [frame.pts for frame in media.decode(video=0)]
        assert output.duration_seconds == pytest.approx(4, abs=0.05)
    assert shown["96p.mp4"] == shown["anew-96p.mp4"] == shown["small-64p.mp4"]


async def test_a_film_of_which_next_to_nothing_is_left_is_refused_as_if_it_were_encoded(
    bench: Bench, film: FilmMaker, tmp_path: Path
) -> None:
    plain = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "45", "-movflags", "+faststart")
    whole = film("rest.mp4", *pattern("160x96", 4), *plain).read_bytes()
    source = tmp_path / "rest.mp4"
    begin, end = int(0.25 * len(whole)), int(0.98 * len(whole))
    source.write_bytes(whole[:begin] + bytes(end - begin) + whole[end:])
    assert isinstance(await refusal(bench, source, {**SMALL, "copySource": False}), CorruptMedia)
    assert isinstance(await refusal(bench, source, SMALL), CorruptMedia)


@pytest.mark.parametrize("container", ["mp4", "mkv"])
async def test_copied_hevc_has_the_name_that_all_players_know(
    bench: Bench, film: FilmMaker, container: str
) -> None:
    encoded = ("-c:v", "libx265", "-x265-params", "log-level=error", "-crf", "45")
    tag = () if container == "mkv" else ("-tag:v", "hev1")
    small = ("-pix_fmt", "yuv420p", *encoded, *tag)
    source = film(f"tagged.{container}", *pattern("160x96"), *small)
    made = await bench.make(source, {**SMALL, "codec": "hevc"})
    with av.open(str(bench.path(made["96p.mp4"]))) as media:
        assert media.streams.video[0].codec_tag == "hvc1"
        assert sum(1 for _ in media.decode(video=0)) == 25


async def test_sound_that_is_what_is_wanted_is_copied(bench: Bench, film: FilmMaker) -> None:
    """Beside encoded pictures, too: it stays in step with them."""
    late = "aevalsrc=sin(2000*t)*gt(t\\,0.5)|0:d=1:sample_rate=44100"
    encoded = ("-c:v", "libx264", "-b:v", "2M", "-c:a", "aac", "-b:a", "96k")
    source = film("stereo.mp4", *pattern("160x96"), "-f", "lavfi", "-i", late, *encoded)
    changes: dict[str, dict[str, Any]] = {
        "copied": {"maxFps": 10},
        "anew": {"copySource": False},
        "louder": {"loudness": -16},
        "lighter": {"audioKbps": 32},
    }
    wanted = [{**SMALL, "name": name, **change} for name, change in changes.items()]
    made = await bench.make(source, *wanted)
    original = packets(source, "audio")
    same = {n for n in changes if packets(bench.path(made[f"{n}-96p.mp4"]), "audio") == original}
    assert same == {"copied"}
    onsets = [onset(bench.path(made[f"{name}-96p.mp4"])) for name in ("copied", "anew")]
    assert onsets == pytest.approx([0.5, 0.5], abs=0.03)


@pytest.mark.parametrize(
    ("sound", "is_copied"),
    [
        ("aevalsrc=random(0)*0.01|0:d=3", True),
        ("aevalsrc=random(0)*gt(t\\,2)|random(1)*gt(t\\,2):d=3", False),  # silent, then heavy
    ],
)
async def test_sound_of_films_that_do_not_tell_its_rate_is_measured(
    bench: Bench, film: FilmMaker, sound: str, is_copied: bool
) -> None:
    encoded = ("-c:v", "libx264", "-c:a", "aac", "-b:a", "90k" if is_copied else "400k")
    source = film(f"{is_copied}.mkv", *pattern("160x96", 3), "-f", "lavfi", "-i", sound, *encoded)
    (made,) = (await bench.make(source, {**SMALL, "crf": 30, "audioKbps": 96})).values()
    copied = packets(bench.path(made), "audio") == packets(source, "audio")
    assert copied is is_copied


async def test_what_is_copied_is_the_same_whatever_is_decoded_beside_it(
    bench: Bench, film: FilmMaker
) -> None:
    """Decoders complain of films that were cut without being decoded; nothing is missing there."""
    opened = "keyint=25:scenecut=0:open-gop=1:bframes=3"
    coded = ("-c:v", "libx264", "-crf", "45", "-pix_fmt", "yuv420p", "-x264-params", opened)
    source = film("open.mp4", *pattern("160x96", 6), *coded)
    cut = film("cut.mp4", "-ss", "1.3", "-i", str(source), "-c", "copy")
    made = await bench.make(cut, SMALL, {**SMALL, "name": "small", "heights": [64]})
    (alone,) = (await bench.make(cut, {**SMALL, "name": "alone"})).values()
    assert made["96p.mp4"].sha256 == alone.sha256
    assert packets(bench.path(alone)) == packets(cut)
