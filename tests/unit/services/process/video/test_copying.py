"""What is copied instead of encoded."""

from dataclasses import replace
from typing import Any

import pytest

from services.process.video.copying import pictures_fit, sound_fits
from services.process.video.film import Film, Sound

SIZE = (1280, 720)
SOUND = Sound(1, "aac", profile="LC", bit_rate=130_000)
FILM = Film(
    *("/film.mp4", "mov", 10.0, 10.0, *SIZE, 0, "h264", 1),
    frame_rate=25.0,
    pixel_format="yuv420p",
    video_bit_rate=2_000_000,
    bit_rate=2_130_000,
    plain=True,
    sounds=(SOUND,),
)


def _with(sound: Sound) -> Film:
    return replace(FILM, sounds=(sound,))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"container": "matroska"},
        {"video_bit_rate": 5_760_000},
        {"video_bit_rate": 0},
        {"video_bit_rate": 0, "bit_rate": 5_760_000 + SOUND.bit_rate},
    ],
)
def test_pictures_that_are_what_is_wanted_fit(change: dict[str, Any]) -> None:
    film = replace(FILM, **change)
    assert pictures_fit(film, "h264", SIZE, None)
    assert pictures_fit(film, "h264", SIZE, 25)


@pytest.mark.parametrize(
    "change",
    [
        {"container": "avi"},
        {"video_codec": "hevc"},
        {"width": 1282},
        {"pixel_format": "yuv420p10le"},
        {"pixel_format": "yuvj420p"},
        {"plain": False},
        {"interlaced": True},
        {"transfer": "smpte2084"},
        {"frame_rate": 0.0},
        {"frame_rate": 26.0},
        {"video_bit_rate": 5_760_001},
        {"video_bit_rate": 0, "bit_rate": 0},
        {"video_bit_rate": 0, "bit_rate": 5_760_001 + SOUND.bit_rate},
    ],
)
def test_others_do_not(change: dict[str, Any]) -> None:
    assert not pictures_fit(replace(FILM, **change), "h264", SIZE, 25)


@pytest.mark.parametrize(
    "change", [{}, {"channels": 1}, {"rate": 44100}, {"bit_rate": 160_000}, {"bit_rate": 1000}]
)
def test_sound_that_is_what_is_wanted_fits(change: dict[str, Any]) -> None:
    assert sound_fits(_with(replace(SOUND, **change)), "h264", 128)


@pytest.mark.parametrize(
    "change",
    [
        {"codec": "opus"},
        {"profile": "HE-AAC"},
        {"profile": None},
        {"channels": 6},
        {"rate": 96000},
        {"bit_rate": 0},
        {"bit_rate": 160_001},
    ],
)
def test_other_sound_does_not(change: dict[str, Any]) -> None:
    assert not sound_fits(_with(replace(SOUND, **change)), "h264", 128)


def test_sound_fits_beside_the_pictures_that_it_goes_with() -> None:
    opus = Sound(1, "opus", bit_rate=96_000)
    assert sound_fits(_with(opus), "vp9", 128)
    assert not sound_fits(_with(opus), "hevc", 128)
    assert sound_fits(FILM, "av1", 128)
    assert not sound_fits(replace(FILM, audio_stream=None), "h264", 128)


def test_sound_is_copied_from_the_containers_that_pictures_are_copied_from() -> None:
    assert sound_fits(replace(FILM, container="matroska"), "h264", 128)
    assert not sound_fits(replace(FILM, container="mpegts"), "h264", 128)
