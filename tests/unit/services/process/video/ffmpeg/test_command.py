"""What ffmpeg is told. That it understands this is shown in tests/integration/films/."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from services.process.image.engine import Target
from services.process.video.ffmpeg import command
from services.process.video.ffmpeg.branch import Branch, Tap, Window
from services.process.video.ffmpeg.cascade import cascade
from services.process.video.ffmpeg.command import Means, grab
from services.process.video.film import Film, Storyboard
from services.process.video.products.adaptive import Adaptive
from services.process.video.products.board import Board
from services.process.video.products.captions import CaptionFile
from services.process.video.products.product import Product
from services.process.video.products.rendition import Rendition
from services.process.video.streaming.package import Size

FILM = Film(
    path="/jobs/j/download.1/original.mp4",
    container="mov",
    duration_seconds=10.0,
    picture_seconds=10.0,
    width=1280,
    height=720,
    video_stream=1,
    video_codec="h264",
    audio_stream=0,
)
MEANS = Means(threads=3, pixels=36_000_000, tone_mapping=True)
DIRECTORY = Path("/jobs/j/process.2")
SIZE = (1280, 720)
FEW = "fps=0.5:start_time=0:eof_action=pass,scale=160:90:out_range=tv,format=yuv420p,setsar=1"


def rendition(height: int, name: str = "", audio_kbps: int | None = 128) -> Rendition:
    return Rendition(name or f"{height}p", height * 16 // 9, height, 23, "veryfast", audio_kbps)


def encode(
    film: Film, products: Sequence[Product], directory: Path, means: Means
) -> tuple[str, ...]:
    branches = [branch for product in products for branch in product.branches(film, directory)]
    return command.encode(film, branches, means)


def value_after(arguments: tuple[str, ...], option: str) -> str:
    return arguments[arguments.index(option) + 1]


def maps(arguments: tuple[str, ...]) -> list[str]:
    return [value for option, value in pairwise(arguments) if option == "-map"]


def test_sizes_come_from_one_decoding_each_from_the_next_larger() -> None:
    arguments = encode(FILM, [rendition(360), rendition(720), rendition(540)], DIRECTORY, MEANS)
    assert arguments.count("-i") == 1
    assert value_after(arguments, "-filter_complex") == (
        "[0:1]scale=1280:720:out_range=tv,format=yuv420p,setsar=1,split=2[v1][s1];"
        "[s1]scale=960:540:out_range=tv,format=yuv420p,setsar=1,split=2[v2][s2];"
        "[s2]scale=640:360:out_range=tv,format=yuv420p,setsar=1[v0]"
    )
    assert maps(arguments) == ["[v0]", "[v1]", "[v2]", "[a0]"]
    assert [part.partition("]file:")[2] for part in arguments[-1].split("|")] == [
        "360p.mp4",
        "720p.mp4",
        "540p.mp4",
    ]


def test_what_has_no_pictures_is_read_by_itself() -> None:
    sound = Branch(("sound.wav",), chain="[{input}:2]anull[{sink}]")
    pictures = rendition(720).branches(FILM, DIRECTORY)
    arguments = command.encode(FILM, [*pictures, sound], MEANS)
    assert arguments.count("-i") == 2
    graphs = [arguments[n + 1] for n, a in enumerate(arguments) if a == "-filter_complex"]
    assert graphs[1:] == ["[0:0]anull[a0]", "[1:2]anull[w1]"]
    assert command.encode(FILM, [sound], MEANS).count("-i") == 1


def test_equal_sizes_are_scaled_once() -> None:
    arguments = encode(FILM, [rendition(720, "a"), rendition(720, "b")], DIRECTORY, MEANS)
    graph = value_after(arguments, "-filter_complex")
    assert graph.count("scale=") == 1
    assert graph.endswith("split=2[v0][v1]")


def test_only_the_one_file_is_opened_by_the_demuxer_of_its_bytes() -> None:
    for arguments in (
        encode(FILM, [rendition(720)], DIRECTORY, MEANS),
        grab(FILM, 1.0, DIRECTORY / "frame", MEANS, SIZE),
    ):
        before, after = arguments[: arguments.index("-i")], arguments[arguments.index("-i") :]
        assert value_after(before, "-protocol_whitelist") == "file,pipe"
        assert value_after(before, "-f") == "mov"
        assert value_after(before, "-max_pixels") == "36000000"
        assert after[1] == "file:/jobs/j/download.1/original.mp4"
        assert "-nostdin" in before


def test_outputs_carry_no_metadata() -> None:
    arguments = encode(FILM, [rendition(720), rendition(360, audio_kbps=None)], DIRECTORY, MEANS)
    pairs = list(pairwise(arguments))
    assert pairs.count(("-f", "tee")) == 2
    assert pairs.count(("-map_metadata", "-1")) == 2
    assert pairs.count(("-map_chapters", "-1")) == 2


def test_sound_that_several_files_have_alike_is_encoded_once() -> None:
    quieter = rendition(480, audio_kbps=64)
    arguments = encode(FILM, [rendition(720), quieter, rendition(360)], DIRECTORY, MEANS)
    assert maps(arguments) == ["[v0]", "[v2]", "[a0]", "[v1]", "[a1]"]
    assert [rate for option, rate in pairwise(arguments) if option == "-b:a"] == ["128k", "64k"]
    both, alone = (told for option, told in pairwise(arguments) if told.startswith("[select"))
    assert both == (
        r"[select=\'v:0,a,s\':f=mp4:movflags=+faststart]file:720p.mp4"
        r"|[select=\'v:1,a,s\':f=mp4:movflags=+faststart]file:360p.mp4"
    )
    assert alone == r"[select=\'v:0,a,s\':f=mp4:movflags=+faststart]file:480p.mp4"


def test_each_file_of_several_has_its_own_quality() -> None:
    best = replace(rendition(720), crf=18)
    pairs = [*pairwise(encode(FILM, [best, rendition(360)], DIRECTORY, MEANS))]
    assert ("-crf:v:0", "18") in pairs
    assert ("-crf:v:1", "23") in pairs
    assert ("-c:v:1", "libx264") in pairs


def test_sound_is_taken_from_the_chosen_stream_or_left_out() -> None:
    with_sound = encode(FILM, [rendition(720)], DIRECTORY, MEANS)
    assert ("-filter_complex", "[0:0]anull[a0]") in pairwise(with_sound)
    assert value_after(with_sound, "-b:a") == "128k"
    assert maps(encode(FILM, [rendition(720, audio_kbps=None)], DIRECTORY, MEANS)) == ["[v0]"]


def test_fields_are_woven_together_before_scaling() -> None:
    arguments = encode(replace(FILM, interlaced=True), [rendition(720)], DIRECTORY, MEANS)
    assert value_after(arguments, "-filter_complex").startswith("[0:1]yadif=deint=interlaced,scale")


def test_hdr_becomes_sdr_where_ffmpeg_can() -> None:
    film = replace(FILM, transfer="smpte2084")
    graph = value_after(encode(film, [rendition(720)], DIRECTORY, MEANS), "-filter_complex")
    assert "color_trc=smpte2084" in graph
    assert "tonemap=" in graph
    assert "tonemap=" in value_after(grab(film, 0, DIRECTORY / "frame", MEANS, SIZE), "-vf")
    cannot = replace(MEANS, tone_mapping=False)
    assert "tonemap" not in " ".join(encode(film, [rendition(720)], DIRECTORY, cannot))


def test_a_frame_is_sought_before_or_after_the_input() -> None:
    target = DIRECTORY / "frame"
    searched = grab(FILM, 2.5, target, MEANS, SIZE)
    decoded = grab(FILM, 2.5, target, MEANS, SIZE, search=False)
    assert searched.index("-ss") < searched.index("-i")
    assert decoded.index("-ss") > decoded.index("-i")
    assert value_after(searched, "-ss") == value_after(decoded, "-ss") == "2.499000"
    assert "-ss" not in grab(FILM, 0.0, target, MEANS, SIZE)


def test_a_stream_for_hls_begins_each_piece_with_a_key_frame() -> None:
    hls = Adaptive(
        "hls", (Size("360p", 640, 360), Size("180p", 320, 180)), 23, "fast", 96, 4, False
    )
    arguments = encode(FILM, [hls, rendition(360)], DIRECTORY, MEANS)
    assert value_after(arguments, "-filter_complex") == (
        "[0:1]scale=640:360:out_range=tv,format=yuv420p,setsar=1,split=3[v0][v1][s1];"
        "[s1]scale=320:180:out_range=tv,format=yuv420p,setsar=1[v2]"
    )
    (keys,) = {value for option, value in pairwise(arguments) if option == "-force_key_frames"}
    assert keys == (
        "expr:gt(floor((t+1e-06)/4),if(isnan(prev_forced_t),-1,floor((prev_forced_t+1e-06)/4)))"
    )
    assert f"file:{DIRECTORY}/hls/360p/index.m3u8" in arguments
    assert "hls/180p/%05d.m4s" in arguments
    assert hls.folders() == ("hls", "hls/360p", "hls/180p")


def test_hdr_is_kept_in_a_cascade_of_its_own() -> None:
    film = replace(FILM, transfer="smpte2084")
    kept = replace(rendition(720), codec="hevc", hdr=True)
    arguments = encode(film, [kept, rendition(360)], DIRECTORY, MEANS)
    first, sdr, hdr = sorted(value_after(arguments, "-filter_complex").split(";"))
    assert first == "[0:1]split=2[c0][c1]"
    assert sdr.startswith("[c0]scale=640:360")
    assert "tonemap=" in sdr
    assert sdr.endswith("format=yuv420p,setsar=1[v1]")
    assert hdr.startswith("[c1]scale=1280:720")
    assert "tonemap=" not in hdr
    assert hdr.endswith("format=yuv420p10le,setsar=1[v0]")
    assert ("-color_trc:v:0", "smpte2084") in pairwise(arguments)


def test_a_storyboard_takes_few_of_the_smallest_pictures() -> None:
    sheet = Target(name="storyboard")
    board = Board(Storyboard("storyboard", 2.0, 5, 160, 90, sheet))
    arguments = encode(FILM, [board, rendition(720), rendition(360)], DIRECTORY, MEANS)
    *_, last, few = value_after(arguments, "-filter_complex").split(";")
    assert last.endswith("split=2[v1][f2]")
    assert few == f"[f2]{FEW}[v2]"
    assert arguments[-1] == "storyboard.frames.tmp/%d.png"


def test_ffmpeg_counts_the_pictures_of_a_whole_film_where_there_is_one() -> None:
    sheet = Board(Storyboard("storyboard", 2.0, 5, 160, 90, Target(name="storyboard")))
    hls = Adaptive("hls", (Size("360p", 640, 360),), 23, "fast", 96, 4, False)
    track = CaptionFile("captions-1", 3, None)
    arguments = encode(FILM, [track, sheet, hls, rendition(360)], DIRECTORY, MEANS)
    assert maps(arguments) == ["[v0]", "[a0]", "[v1]", "0:3", "0:0", "[v4]"]


def test_what_is_copied_is_not_decoded() -> None:
    arguments = encode(
        FILM, [replace(rendition(720), copied=True, sound_copied=True)], DIRECTORY, MEANS
    )
    assert "-filter_complex" not in arguments
    assert ("-c:v:0", "copy") in pairwise(arguments)
    assert maps(arguments) == ["0:1", "0:0"]


def test_a_storyboard_is_not_enlarged_from_a_rendition() -> None:
    board = Board(Storyboard("storyboard", 2.0, 5, 160, 90, Target(name="storyboard")))
    film = replace(FILM, interlaced=True)
    arguments = encode(film, [board, rendition(360), rendition(36)], DIRECTORY, MEANS)
    graph = value_after(arguments, "-filter_complex").split(";")
    assert graph[0].endswith("split=3[v0][s1][f2]")
    assert graph[2] == f"[f2]{FEW}[v2]"
    alone = value_after(encode(film, [board, rendition(36)], DIRECTORY, MEANS), "-filter_complex")
    assert alone.split(";") == [
        "[0:1]yadif=deint=interlaced,split=2[c0][c1]",
        "[c0]scale=64:36:out_range=tv,format=yuv420p,setsar=1[v0]",
        f"[c1]{FEW}[v1]",
    ]


SIDES = st.integers(2, 40)
TAPS = st.builds(Tap, SIDES, SIDES, st.sampled_from([None, 5.0]), st.booleans(), st.booleans())


@given(st.lists(TAPS, max_size=8))
def test_no_size_is_scaled_from_a_smaller_one(taps: list[Tap]) -> None:
    steps = cascade([*enumerate(taps)])
    assert sorted(tap for step in steps for tap in step.taps) == [*enumerate(taps)]
    for place, step in enumerate(steps):
        if step.above is not None:
            assert step.above in steps[:place]
            assert step.above.tap.holds(step.tap)
            assert step.above.tap.hdr == step.tap.hdr
            assert not step.above.tap.sparse


def test_a_frame_rate_is_capped_behind_the_scaling() -> None:
    slow = replace(rendition(720), fps=30)
    graph = value_after(encode(FILM, [slow], DIRECTORY, MEANS), "-filter_complex")
    assert graph.endswith("[r0];[r0]fps=30:eof_action=pass[v0]")


def test_a_part_of_the_film_is_sought() -> None:
    (branch,) = rendition(720).branches(FILM, DIRECTORY)
    arguments = command.encode(FILM, [branch], MEANS, Window(2.5, 3))
    before, after = arguments[: arguments.index("-i")], arguments[arguments.index("-i") :]
    assert value_after(before, "-ss") == "2.500000"
    assert "-itsoffset" not in before
    assert "[s0]atrim=start=0.000000:end=3.000000[a0]" in after[after.index("-filter_complex") + 3]


def test_what_is_longer_than_a_part_is_ended_by_filters_alone() -> None:
    """Where an encoder is what ends it, ffmpeg 9 can wait for itself for ever."""
    (branch,) = replace(rendition(720), fps=12).branches(FILM, DIRECTORY)
    for window in (Window(2.5, 3), Window(0, 3)):
        arguments = command.encode(FILM, [branch], MEANS, window)
        assert "-t" not in arguments[arguments.index("-i") :]
        pictures = value_after(arguments, "-filter_complex")
        assert pictures.endswith("fps=12:eof_action=pass,trim=end_pts=36[v0]")


def test_the_last_picture_of_a_part_is_not_one_of_rounding() -> None:
    (branch,) = replace(rendition(720), fps=10).branches(FILM, DIRECTORY)
    arguments = command.encode(FILM, [branch], MEANS, Window(0, 1.1))  # 11.000000000000002
    assert value_after(arguments, "-filter_complex").endswith("trim=end_pts=11[v0]")


def test_a_part_begins_with_the_picture_that_is_shown_then() -> None:
    (branch,) = rendition(720).branches(FILM, DIRECTORY)
    arguments = command.encode(FILM, [branch], MEANS, Window(2.5, 3, shown=0.03))
    assert "-noaccurate_seek" in arguments[: arguments.index("-i")]
    graph = value_after(arguments, "-filter_complex")
    assert graph.startswith(
        "[0:1]settb=AVTB,trim=start=-0.032000:end=3.000000,setpts='max(0,PTS)',scale"
    )


def test_what_is_read_before_a_part_is_thrown_away() -> None:
    (branch,) = rendition(720).branches(FILM, DIRECTORY)
    arguments = command.encode(FILM, [branch], MEANS, Window(32.5, 3, lead=30))
    before = arguments[: arguments.index("-i")]
    assert (value_after(before, "-ss"), value_after(before, "-itsoffset")) == (
        *("2.500000", "-30.000000"),
    )
    assert float(value_after(before, "-dts_delta_threshold")) > 30
