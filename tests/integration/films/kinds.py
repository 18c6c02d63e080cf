"""Films of every kind, each with the way to the pictures that it has to show.

All show a pattern that moves on with each picture, as a whole: a picture is like no other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.films import FilmMaker

SECONDS = 2.0
RATE = 25
LIKE = 0.9
LIKE_OF_TONED = 0.75  # HDR gives its light back by another curve than it was made by
_LOSSLESS = ("-c:v", "ffv1")
_H264 = ("-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv420p")
_HEVC10 = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "8", "-pix_fmt", "yuv420p10le")
_QUICK = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "18")
_TONE = ("-f", "lavfi", "-i", f"sine=duration={SECONDS}")


@dataclass(frozen=True)
class Kind:
    """A kind of film.

    Attributes:
        source: makes the film.
        size: that it has to get, its shorter side being 96 pixels.
        truth: makes a film whose pictures are the right ones; by default, the film itself.
        upright: what a plain command has to do with the pictures of that one.
        rate: pictures a second.
        like: SSIM that its pictures have at least.
    """

    source: Callable[[FilmMaker], Path]
    size: tuple[int, int] = (170, 96)
    truth: Callable[[FilmMaker], Path] | None = None
    upright: tuple[str, ...] = ()
    rate: int = RATE
    like: float = LIKE


def moving(size: str = "320x180", rate: int = RATE, more: str = "") -> tuple[str, ...]:
    """Arguments for such a pattern."""
    pattern = f"testsrc2=size={size}:rate={rate}:duration={SECONDS}"
    return ("-f", "lavfi", "-i", f"{pattern},scroll=horizontal=-0.02:vertical=0.03{more}")


def plain(film: FilmMaker) -> Path:
    return film("moving.mkv", *moving(), *_LOSSLESS)


def _of(name: str, *arguments: str) -> Callable[[FilmMaker], Path]:
    return lambda film: film(name, *arguments)


def _again(name: str, *arguments: str, before: tuple[str, ...] = ()) -> Callable[[FilmMaker], Path]:
    """The plain film in H.264, taken over as it is with these options."""

    def make(film: FilmMaker) -> Path:
        encoded = film("moving.mp4", "-i", str(plain(film)), *_H264, "-g", "10")
        return film(name, *before, "-i", str(encoded), "-c", "copy", *arguments)

    return make


def _turned(degrees: int, upright: str, size: tuple[int, int]) -> Kind:
    turn = ("-display_rotation", str(degrees))
    return Kind(_again(f"turned-{degrees}.mp4", before=turn), size, plain, (upright,))


def _hdr(transfer: str, told: str) -> Kind:
    """What was a common film before; as one it has to look like it."""
    looks = (
        ",format=yuv444p,setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,"
        "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt2020,"
        f"zscale=t={transfer}:m=bt2020nc:r=tv:npl=100,format=yuv420p10le"
    )
    params = f"transfer={told}:colorprim=bt2020:colormatrix=bt2020nc:log-level=error"
    arguments = (*moving(more=looks), *_HEVC10, "-x265-params", params)
    return Kind(_of(f"{told}.mp4", *arguments), truth=plain, like=LIKE_OF_TONED)


def _with_a_cover(film: FilmMaker) -> Path:
    cover = film("cover.png", "-f", "lavfi", "-i", "color=red:size=400x400", "-frames:v", "1")
    encoded = film("moving.mp4", "-i", str(plain(film)), *_H264, "-g", "10")
    streams = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic")
    return film("covered.mp4", "-i", str(cover), "-i", str(encoded), *streams)


def _with_captions(film: FilmMaker) -> Path:
    source = plain(film)
    text = source.with_suffix(".srt")
    text.write_text("1\n00:00:00,200 --> 00:00:00,900\nGood morning\n")
    return film("captions.mkv", "-i", str(source), "-i", str(text), "-c:v", "copy")


def _changing(film: FilmMaker) -> Path:
    """The first half is larger than the second."""
    half = ("-t", "1", *_H264, "-bf", "0")
    large = film("large.ts", *moving(), *half)
    small = film("small.ts", *moving("240x135"), *half, "-output_ts_offset", "1")
    both = film("both.ts", "-i", str(large), "-c", "copy")
    both.write_bytes(large.read_bytes() + small.read_bytes())
    return both


def _changing_truth(film: FilmMaker) -> Path:
    joined = "[0:v]trim=end=1[a];[1:v]trim=end=1,scale=320:180,setsar=1[b];[a][b]concat"
    patterns = (*moving(), *moving("240x135"))
    return film("changed.mkv", *patterns, "-filter_complex", joined, *_LOSSLESS)


_UNEVEN = ",settb=1/1000,setpts='(N+0.3*mod(N\\,3)+0.2*mod(N\\,2))/25/TB'"
_SECOND_TONE = ("-f", "lavfi", "-i", f"sine=frequency=880:duration={SECONDS}")
_BOTH_TONES = (*_TONE, *_SECOND_TONE, "-map", "0", "-map", "1", "-map", "2")
_AS_IT_COMES = ("-fps_mode", "passthrough", "-enc_time_base", "1/1000")

KINDS = {
    "plain": Kind(plain),
    "with sound": Kind(_of("sounding.mp4", *moving(), *_TONE, *_H264)),
    "two tracks of sound": Kind(_of("two.mkv", *moving(), *_BOTH_TONES, *_LOSSLESS)),
    "captions": Kind(_with_captions),
    "a cover": Kind(_with_a_cover, truth=plain),
    "uneven times": Kind(_of("uneven.mkv", *moving(more=_UNEVEN), *_AS_IT_COMES, *_LOSSLESS)),
    "odd sides": Kind(
        _of("odd.mkv", *moving("322x242", more=",format=yuv444p,crop=321:241"), *_LOSSLESS),
        (128, 96),
    ),
    "turned by 90": _turned(90, "transpose=cclock", (96, 170)),
    "turned by 180": _turned(180, "hflip,vflip", (170, 96)),
    "turned by 270": _turned(270, "transpose=clock", (96, 170)),
    "mirrored": Kind(
        _again("mirrored.mp4", before=("-display_hflip",)), truth=plain, upright=("hflip",)
    ),
    "interlaced": Kind(
        _of(
            "interlaced.mkv",
            *moving(rate=2 * RATE, more=",tinterlace=interleave_top,setfield=tff"),
            *("-flags", "+ilme+ildct", "-field_order", "tt", *_H264),
        ),
        upright=("bwdif=send_frame:deint=all",),
    ),
    "ten bits": Kind(_of("ten.mp4", *moving(), *_HEVC10, "-x265-params", "log-level=error")),
    "PQ": _hdr("smpte2084", "smpte2084"),
    "HLG": _hdr("arib-std-b67", "arib-std-b67"),
    "wide pixels": Kind(_of("wide.mkv", *moving("240x180", more=",setsar=4/3"), *_LOSSLESS)),
    "an edit list": Kind(
        _again("edited.mp4", before=("-ss", "0.52")),
        truth=lambda film: film("from.mkv", "-i", str(plain(film)), "-ss", "0.52", *_LOSSLESS),
    ),
    "changing size": Kind(_changing, truth=_changing_truth),
    "4K": Kind(_of("4k.mp4", *moving("3840x2160", 5), *_QUICK), rate=5),
}
