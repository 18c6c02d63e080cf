"""In which units ffmpeg keeps the times of pictures."""

from fractions import Fraction
from itertools import pairwise

import pytest

from services.process.video.ffmpeg.branch import Branch, Tap
from services.process.video.ffmpeg.command import Means, encode
from services.process.video.film import Film

MEANS = Means(threads=3, pixels=36_000_000, tone_mapping=True)


def unit(frame_rate: float, fps: float | None = None) -> Fraction | None:
    film = Film("/a.mp4", "mov", 10.0, 10.0, 160, 96, 0, "h264", frame_rate=frame_rate)
    arguments = encode(film, [Branch(("out.mp4",), Tap(160, 96, fps))], MEANS)
    told = dict(pairwise(arguments)).get("-enc_time_base:v")
    return Fraction(told) if told else None


@pytest.mark.parametrize(
    ("rate", "units"),
    [
        (25, 500),
        (30, 480),
        (60, 480),
        (2, 480),
        (0.7, Fraction(4802, 10)),
        (1000, 1000),
        (24000 / 1001, Fraction(504000, 1001)),
        (30000 / 1001, Fraction(510000, 1001)),
    ],
)
def test_a_unit_is_a_part_of_a_picture_and_of_two_milliseconds(
    rate: float, units: Fraction
) -> None:
    assert unit(rate) == 1 / Fraction(units)


@pytest.mark.parametrize(("rate", "fps"), [(0.0, None), (1 / 86400, None), (25, 12.0)])
def test_where_the_rate_is_set_or_not_told_ffmpeg_chooses(rate: float, fps: float | None) -> None:
    assert unit(rate, fps) is None
