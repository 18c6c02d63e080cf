"""What ffmpeg is told where a GPU decodes or encodes. Pure.

Pictures are scaled on the CPU in any case: they are fetched from the device after decoding, and
given to it for encoding.
"""

from services.process.video.ffmpeg.branch import Branch, Coding
from services.process.video.film import Film
from services.process.video.hardware.device import Kind, Route

_NVENC_PRESETS = {  # 1 to 7; lower is faster
    "ultrafast": 1,
    "superfast": 1,
    "veryfast": 2,
    "faster": 3,
    "fast": 3,
    "medium": 4,
    "slow": 5,
    "slower": 6,
    "veryslow": 7,
}
_UPLOADED = "[{source}]format=nv12,hwupload[{sink}]"


def opening(route: Route) -> tuple[str, ...]:
    """Before the input: the device, and that the input is decoded on it.

    With a format of the output that only the device has: else ffmpeg would quietly decode on
    the CPU whatever the device does not know.
    """
    if route.kind is None:
        return ()
    named = ("-hwaccel_device", "gpu") if route.kind == "vaapi" else ()
    opened = ("-init_hw_device", "vaapi=gpu", "-filter_hw_device", "gpu") if named else ()
    decoding = ("-hwaccel", route.kind, "-hwaccel_output_format", route.kind, *named)
    return (*opened, *(decoding if route.decodes else ()))


def fetching(route: Route, film: Film) -> tuple[str, ...]:
    """Filters that bring decoded pictures to the CPU, before all others."""
    if not route.decodes:
        return ()
    return "hwdownload", "format=p010le" if "10" in film.pixel_format else "format=nv12"


def encodes(route: Route, branch: Branch) -> bool:
    """Whether the device encodes the branch's pictures: eight bits, in a codec that it knows."""
    tap, coding = branch.tap, branch.coding
    return tap is not None and not tap.hdr and coding is not None and coding.codec in route.encodes


def coded(kind: Kind, coding: Coding) -> tuple[str, ...]:
    """The encoder. Its scale of quality is taken for that of `crf`, which it is like."""
    named = ("-tag:v", "hvc1") if coding.codec == "hevc" else ()
    if kind == "vaapi":
        return ("-c:v", f"{coding.codec}_vaapi", "-rc_mode", "CQP", "-qp", str(coding.crf), *named)
    preset = f"p{_NVENC_PRESETS[coding.preset]}"
    quality = ("-rc", "vbr", "-cq", str(max(1, coding.crf)), "-b:v", "0")  # 0: as it likes
    return ("-c:v", f"{coding.codec}_nvenc", "-preset", preset, *quality, *named)


def giving(kind: Kind) -> str | None:
    """Filters that bring pictures to the device; see `Branch.chain`. None where it needs none."""
    return _UPLOADED if kind == "vaapi" else None
