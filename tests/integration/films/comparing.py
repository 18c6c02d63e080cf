"""Whether a film shows what another shows at the same times, by ffmpeg's own measure."""

import re
import subprocess
from pathlib import Path

import av

from services.process.video.ffmpeg.ffmpeg import find
from tests.films import FilmMaker

_EARLY_SECONDS = 0.005  # what a player shows at a time began before it, whatever was rounded
_LOSSLESS = ("-c:v", "ffv1", "-fps_mode", "passthrough", "-enc_time_base", "1/90000")


def reference(
    film: FilmMaker, name: str, truth: Path, size: tuple[int, int], *upright: str
) -> Path:
    """A film's pictures as they have to look, made by a plain command: none of our code."""
    width, height = size
    looks = ",".join((*upright, f"scale={width}:{height},setsar=1,format=yuv420p"))
    named = f"{name} {width}x{height}.nut"
    return film(named, "-i", str(truth), "-map", "0:V:0", "-vf", looks, *_LOSSLESS)


def likeness(made: Path, truth: Path, start: float | None = None) -> list[float]:
    """SSIM of each picture of `made` with one of `truth`; 1 is the same.

    Args:
        start: the time in `truth` at which `made` begins, in seconds: each picture is compared
            with what is shown then. None compares them one by one, in order.
    """
    late = f"PTS-{(start or 0) + _EARLY_SECONDS}/TB"
    moved = ("N", "N") if start is None else ("PTS", late)
    sides = "".join(
        f"[{n}:V]settb=1/90000,setpts={to},format=yuv420p[s{n}];" for n, to in enumerate(moved)
    )
    inputs = [word for path in (made, truth) for word in ("-copyts", "-i", str(path))]
    argv = [str(find().path), "-v", "error", *inputs, "-lavfi", f"{sides}[s0][s1]ssim=f=-"]
    said = subprocess.run([*argv, "-f", "null", "-"], check=True, capture_output=True, text=True)
    # Behind the last of `made`, that one is compared with what is left of the other.
    return [float(value) for value in re.findall(r"All:(\S+)", said.stdout)][: len(times(made))]


def times(path: Path) -> list[float]:
    """When each picture begins to be shown, in seconds."""
    with av.open(str(path)) as media:
        return [frame.time or 0.0 for frame in media.decode(video=0)]
