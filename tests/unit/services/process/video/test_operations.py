"""Operations on films: parameters, names, and what they ask for."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from services.process.plan import plan
from services.process.video.film import Captions, Film, Series, Sound, Still, Storyboard
from services.process.video.operations import FILMS
from services.process.video.operations.renditions import Renditions
from shared.errors import InvalidJob
from shared.jobs import Operation

FILM = Film("/f", "mov", 5.0, 5.0, 1280, 720, 0, "h264", audio_stream=1)


def one(operation: Any) -> Any:
    (recipe,) = plan((Operation.model_validate(operation),), FILMS)
    return recipe


def names(operation: Any, film: Film = FILM) -> list[str]:
    return [rendition.name for rendition in one(operation).products(film)]


def test_a_film_gets_renditions_and_a_poster_by_default() -> None:
    renditions, poster, storyboard = plan(None, FILMS)
    assert isinstance(renditions, Renditions)
    assert [r.file for r in renditions.products(FILM)] == ["720p.mp4", "480p.mp4", "360p.mp4"]
    (still,) = poster.snaps(FILM)
    assert isinstance(still, Still)
    assert still.at is None
    assert storyboard.snaps(FILM)
    assert still.files == ("poster.webp",)


def test_renditions_are_named_by_their_size_after_a_name_of_their_own() -> None:
    assert names({"op": "renditions", "heights": [480, 360]}) == ["480p", "360p"]
    assert names({"op": "renditions", "name": "clip", "heights": 360}) == ["clip-360p"]
    assert names("renditions", replace(FILM, width=100, height=150)) == ["100p"]


def test_parameters_reach_the_renditions() -> None:
    recipe = one(
        {"op": "renditions", "heights": [720], "crf": 30, "preset": "slow", "audioKbps": 64}
    )
    (rendition,) = recipe.products(FILM)
    assert (rendition.crf, rendition.preset, rendition.audio_kbps) == (30, "slow", 64)


def test_sound_is_left_out_where_there_is_none_or_none_is_wanted() -> None:
    silent = replace(FILM, audio_stream=None)
    assert {r.audio_kbps for r in one("renditions").products(silent)} == {None}
    mute = one({"op": "renditions", "audio": False})
    assert {r.audio_kbps for r in mute.products(FILM)} == {None}


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ({"op": "renditions", "heights": [0]}, "heights.0"),
        ({"op": "renditions", "heights": [361]}, "heights.0.*multiple of 2"),
        ({"op": "renditions", "heights": []}, "heights"),
        ({"op": "renditions", "crf": 52}, "crf"),
        ({"op": "renditions", "preset": "placebo"}, "preset"),
        ({"op": "renditions", "bitrate": 3}, "no parameter 'bitrate'"),
        ({"op": "renditions", "codec": "h263"}, "codec"),
        ({"op": "renditions", "hdr": True}, "hdr: not with h264, but with hevc or av1"),
        ({"op": "hls", "segmentSeconds": 0}, "segmentSeconds"),
        ({"op": "renditions", "name": "n" * 60}, "name: at most 58 characters"),
        ({"op": "blur"}, "no operation 'blur' for a film; there are audio, captions, clip"),
    ],
)
def test_a_wrong_operation_is_named(operation: Any, sentence: str) -> None:
    with pytest.raises(InvalidJob, match=sentence):
        one(operation)


def test_a_film_that_would_come_to_too_many_pieces_is_refused() -> None:
    seconds = 24 * 3600.0
    film = replace(FILM, duration_seconds=seconds, sounds=(Sound(1, "aac"),))
    sentence = "^hls: segmentSeconds: 345600 pieces of 1 seconds .* 50000 are possible$"
    with pytest.raises(InvalidJob, match=sentence):
        one({"op": "hls", "segmentSeconds": 1}).products(film)
    assert one({"op": "hls", "segmentSeconds": 8}).products(film)


def test_the_operations_load_no_codec() -> None:
    code = (
        "import services.process.video.operations, sys;"
        "sys.exit(bool({'av', 'PIL', 'pyvips', 'imageio_ffmpeg'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("operation", sorted(FILMS.recipes))
def test_what_reads_to_the_end_knows_whether_a_part_is_enough(operation: str, asked: bool) -> None:
    film = replace(FILM, sounds=(Sound(1, "aac"),), captions=(Captions(2, "srt", text=True),))
    for more in ({}, {"format": "webp"}) if operation == "preview" else ({},):
        recipe = one({"op": operation, "salvage": asked, **more})
        boards = [s for s in recipe.snaps(film) if isinstance(s, Series | Storyboard)]
        assert {made.salvage for made in (*recipe.products(film), *boards)} <= {asked}
