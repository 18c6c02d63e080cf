"""What ffmpeg is told. Pure: from a film and what is wanted of it to arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.process.video.branch import WHOLE, Branch, Window
from services.process.video.film import Film
from services.process.video.graph import cleaned, graph, scaled, toned

_ALWAYS = (
    *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-n"),
    *("-progress", "pipe:1", "-stats_period", "0.5"),
)
_PACKETS_KEPT = "4096"  # while an output waits for the first packet of its other stream
NOTHING_BUT_MEDIA = ("-map_metadata", "-1", "-map_chapters", "-1", "-dn")


@dataclass(frozen=True, slots=True)
class Means:
    """What ffmpeg may use.

    Attributes:
        threads: of each decoder, filter and encoder.
        pixels: the most that a frame may have, whatever the file said before.
        tone_mapping: whether it can turn HDR into what every screen shows.
    """

    threads: int
    pixels: int
    tone_mapping: bool


def encode(
    film: Film, branches: Sequence[Branch], means: Means, window: Window = WHOLE
) -> tuple[str, ...]:
    """Arguments that make all `branches` in one passage: the film is read and decoded once."""
    filters, labels = graph(film, branches, means.tone_mapping)
    complex_filters = ("-filter_complex", filters) if filters else ()
    return (
        *_ALWAYS,
        *("-filter_complex_threads", str(means.threads)),
        *_seek(window),
        *_input(film, means),
        *complex_filters,
        *(
            argument
            for branch, label in zip(branches, labels, strict=True)
            for argument in _output(branch, label, means)
        ),
    )


def grab(
    film: Film,
    seconds: float,
    target: Path,
    means: Means,
    size: tuple[int, int],
    *,
    search: bool = True,
) -> tuple[str, ...]:
    """Arguments that write the picture at `seconds`, upright and lossless, as a PNG.

    Args:
        size: width and height that it gets, in pixels.
        search: jump there; else decode all that is before, for files that cannot be searched.
    """
    # A millisecond early: a time that was rounded up must not lead to the next picture.
    seek = ("-ss", f"{seconds - 0.001:.6f}") if seconds > 0.001 else ()
    shown = f"{scaled(*size)}:flags=lanczos"
    filters = ",".join((*cleaned(film), shown, *toned(film, means.tone_mapping)))
    return (
        *_ALWAYS,
        *(seek if search else ()),
        *_input(film, means),
        *(() if search else seek),
        *("-map", f"0:{film.video_stream}", "-frames:v", "1"),
        *("-vf", f"{filters},format=rgb24,setsar=1"),
        *NOTHING_BUT_MEDIA,
        *("-sn", "-an", *png(target)),
    )


def png(target: Path) -> tuple[str, ...]:
    """One lossless picture as a file."""
    # Read once, then gone: ffmpeg's usual level takes most of the time of the whole picture.
    quick = ("-c:v", "png", "-compression_level", "1")
    # image2pipe, since image2 would read a number pattern into the file's name
    return (*quick, "-f", "image2pipe", f"file:{target}")


def _seek(window: Window) -> tuple[str, ...]:
    start = ("-ss", f"{window.start:.6f}") if window.start else ()
    return (*start, *(() if window.seconds is None else ("-t", f"{window.seconds:.6f}")))


def _input(film: Film, means: Means) -> tuple[str, ...]:
    """The one file, read by the demuxer that its bytes call for, and nothing that it names."""
    return (
        *("-protocol_whitelist", "file,pipe"),
        *("-threads", str(means.threads)),
        *("-max_pixels", str(means.pixels)),
        *("-f", film.container, "-i", f"file:{film.path}"),
    )


def _output(branch: Branch, label: str, means: Means) -> tuple[str, ...]:
    return (
        *(("-map", f"[{label}]") if label else ()),
        *NOTHING_BUT_MEDIA,
        *("-threads:v", str(means.threads), "-max_muxing_queue_size", _PACKETS_KEPT),
        *("-fflags", "+bitexact"),
        *branch.options,
    )
