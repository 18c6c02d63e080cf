"""Asking a GPU's driver what it can do, by letting it decode and encode a few pictures.

Names are not believed: ffmpeg lists what it was built with, and GPUs for data centres decode
but do not encode. Nor is it believed that a driver works within bounds because it does without:
ffmpeg is confined here as it is for films.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from services.process.child import Bounds
from services.process.cores import usable_cores
from services.process.video.ffmpeg.branch import Coding
from services.process.video.ffmpeg.ffmpeg import Ffmpeg
from services.process.video.ffmpeg.program import confined, environment
from services.process.video.ffmpeg.verdict import summary
from services.process.video.hardware.arguments import coded, giving, opening
from services.process.video.hardware.device import (
    ADDRESSES,
    ENCODED,
    OPEN_FILES,
    Device,
    Kind,
    Route,
    Wanted,
)

_ANSWER_SECONDS = 30
_BOUNDS = Bounds(ADDRESSES, file_bytes=2**26, open_files=OPEN_FILES, niceness=0)
_PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=5:duration=1")
_NOWHERE = ("-f", "null", "-")


def ask(ffmpeg: Ffmpeg, wanted: Wanted) -> Device:
    """What the GPU can do, or the first that can do anything. Blocks for seconds."""
    kinds: tuple[Kind, ...] = get_args(Kind) if wanted == "auto" else ()
    if wanted in ("cuda", "vaapi"):
        kinds = (wanted,)
    faults: list[str] = []
    for kind in kinds:
        device = _asked(ffmpeg, kind)
        if device.useful:
            return device
        faults += device.faults
    return Device(faults=tuple(faults))


def _asked(ffmpeg: Ffmpeg, kind: Kind) -> Device:
    decoding = _decoding_fault(ffmpeg, kind)
    encoding = {
        codec: _run(ffmpeg, _encoding(kind, Coding(codec, 23, "fast"))) for codec in ENCODED
    }
    if decoding and all(encoding.values()):
        return Device(faults=(f"{kind}: {decoding}",))
    faults = {"decode": decoding, **{f"encode {codec}": f for codec, f in encoding.items()}}
    return Device(
        kind,
        decoding is None,
        frozenset(codec for codec, fault in encoding.items() if fault is None),
        tuple(f"{kind} does not {what}: {fault}" for what, fault in faults.items() if fault),
    )


def _decoding_fault(ffmpeg: Ffmpeg, kind: Kind) -> str | None:
    with tempfile.TemporaryDirectory(prefix="millrace-") as folder:
        film = str(Path(folder) / "film.mp4")
        made = _run(ffmpeg, (*_PICTURES, "-c:v", "libx264", "-pix_fmt", "yuv420p", film))
        fetched = ("-vf", "hwdownload,format=nv12")
        opened = opening(Route(kind, decodes=True))
        return made or _run(ffmpeg, (*opened, "-i", film, *fetched, *_NOWHERE))


def _encoding(kind: Kind, coding: Coding) -> tuple[str, ...]:
    given = giving(kind)
    filters = given.format(source="0:v", sink="v") if given else "[0:v]format=yuv420p[v]"
    opened = opening(Route(kind, encodes=frozenset({coding.codec})))
    shown = ("-filter_complex", filters, "-map", "[v]")
    return (*opened, *_PICTURES, *shown, *coded(kind, coding), *_NOWHERE)


def _run(ffmpeg: Ffmpeg, arguments: Sequence[str]) -> str | None:
    """Why ffmpeg cannot do that; None where it did."""
    argv = (str(ffmpeg.path), "-hide_banner", "-nostdin", "-v", "error", *arguments)
    try:
        ended = subprocess.run(
            confined(argv, _BOUNDS, _ANSWER_SECONDS * usable_cores()),
            env=environment(),
            capture_output=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {_ANSWER_SECONDS} seconds"
    except OSError as error:
        return str(error)
    return summary(ended.stderr.decode(errors="replace")) if ended.returncode else None
