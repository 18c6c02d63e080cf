"""Which ways are tried, and what ffmpeg is told on each. No device has run these here."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from services.process.video.ffmpeg import command
from services.process.video.ffmpeg.codecs import CodecName
from services.process.video.ffmpeg.command import Means
from services.process.video.film import Film
from services.process.video.hardware.device import ALL_ON_CPU, Device, Kind, Route, routes
from services.process.video.products.rendition import Rendition

H264: frozenset[CodecName] = frozenset({"h264"})
NOTHING: frozenset[CodecName] = frozenset()
FILM = Film("/film.mp4", "mov", 9.0, 9.0, 1280, 720, 0, "h264", pixel_format="yuv420p")
RENDITION = Rendition("720p", 1280, 720, 23, "veryfast", None)


def told(route: Route, film: Film = FILM, made: Rendition = RENDITION) -> tuple[str, ...]:
    means = Means(threads=2, pixels=10**7, tone_mapping=False, route=route)
    return command.encode(film, made.branches(film, Path("/attempt")), means)


@pytest.mark.parametrize(
    ("device", "wanted", "expected"),
    [
        (
            Device("cuda", decodes=True, encodes=H264),
            {"h264"},
            (Route("cuda", True, H264), Route("cuda", False, H264), ALL_ON_CPU),
        ),
        (
            Device("cuda", decodes=True),
            {"h264"},
            (Route("cuda", True, NOTHING), ALL_ON_CPU),
        ),
        (
            Device("vaapi", encodes=H264),
            {"h264", "av1"},
            (Route("vaapi", False, H264), ALL_ON_CPU),
        ),
        (
            Device("cuda", decodes=True, encodes=H264),
            {"vp9"},
            (Route("cuda", True, NOTHING), ALL_ON_CPU),
        ),
        (Device(), {"h264"}, (ALL_ON_CPU,)),
    ],
)
def test_the_ways(device: Device, wanted: set[CodecName], expected: tuple[Route, ...]) -> None:
    assert routes(device, wanted) == expected


def test_all_on_cuda() -> None:
    arguments = told(Route("cuda", True, H264))
    before = arguments[: arguments.index("-i")]
    assert ("-hwaccel", "cuda") in pairwise(before)
    assert ("-hwaccel_output_format", "cuda") in pairwise(before)
    graph = arguments[arguments.index("-filter_complex") + 1]
    assert graph == (
        "[0:0]hwdownload,format=nv12,scale=1280:720:out_range=tv,format=yuv420p,setsar=1[v0]"
    )
    for pair in (
        ("-c:v:0", "h264_nvenc"),
        ("-preset:v:0", "p2"),
        ("-cq:v:0", "23"),
        ("-b:v:0", "0"),
    ):
        assert pair in pairwise(arguments)
    assert "-crf" not in " ".join(arguments)


def test_all_on_vaapi() -> None:
    hevc = frozenset[CodecName]({"hevc"})
    film = replace(FILM, interlaced=True, pixel_format="yuv420p10le")
    arguments = told(Route("vaapi", True, hevc), film, replace(RENDITION, codec="hevc"))
    before = arguments[: arguments.index("-i")]
    assert ("-init_hw_device", "vaapi=gpu") in pairwise(before)
    assert ("-hwaccel_device", "gpu") in pairwise(before)
    graph = arguments[arguments.index("-filter_complex") + 1]
    assert graph.startswith("[0:0]hwdownload,format=p010le,yadif=deint=interlaced,scale=")
    assert graph.endswith("[v0];[v0]format=nv12,hwupload[w0]")
    for pair in (
        ("-map", "[w0]"),
        ("-c:v:0", "hevc_vaapi"),
        ("-qp:v:0", "23"),
        ("-tag:v:0", "hvc1"),
    ):
        assert pair in pairwise(arguments)


@pytest.mark.parametrize("kind", ["cuda", "vaapi"])
def test_encoding_alone_does_not_touch_the_input(kind: Kind) -> None:
    arguments = told(Route(kind, False, H264))
    assert "-hwaccel" not in arguments
    assert "hwdownload" not in " ".join(arguments)


@pytest.mark.parametrize(
    "made",
    [replace(RENDITION, codec="av1"), replace(RENDITION, codec="hevc", hdr=True)],
)
def test_the_rest_is_encoded_on_the_cpu(made: Rendition) -> None:
    arguments = told(Route("cuda", True, frozenset({"h264", "hevc"})), FILM, made)
    assert "nvenc" not in " ".join(arguments)
    assert ("-crf:v:0", "23") in pairwise(arguments)


def test_without_a_device_nothing_is_said_of_one() -> None:
    assert not [a for a in told(ALL_ON_CPU) if "hw" in a or "cuda" in a or "vaapi" in a]
