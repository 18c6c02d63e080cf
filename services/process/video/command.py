"""What ffmpeg is told. Pure: from a film and what is wanted of it to arguments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from services.process.video.film import Film, Rendition

_ALWAYS = (
    *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-n"),
    *("-progress", "pipe:1", "-stats_period", "0.5"),
)
_PACKETS_KEPT = "4096"  # while an output waits for the first packet of its other stream
_NOTHING_BUT_MEDIA = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn")
_HDR_TO_SDR = (
    "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,"
    "tonemap=tonemap=mobius:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv"
)


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
    film: Film, renditions: Sequence[Rendition], directory: Path, means: Means
) -> tuple[str, ...]:
    """Arguments that make all `renditions` in one passage.

    The film is decoded once, and each size is scaled from the next larger one.
    """
    wanted = sorted(renditions, key=_size, reverse=True)
    return (
        *_ALWAYS,
        *("-filter_complex_threads", str(means.threads)),
        *_input(film, means),
        *("-filter_complex", _graph(film, wanted, means)),
        *(
            argument
            for number, rendition in enumerate(wanted)
            for argument in _output(film, rendition, number, directory, means)
        ),
    )


def grab(
    film: Film, seconds: float, target: Path, means: Means, *, search: bool = True
) -> tuple[str, ...]:
    """Arguments that write the picture at `seconds`, upright and lossless, as a PNG.

    Args:
        search: jump there; else decode all that is before, for files that cannot be searched.
    """
    # A millisecond early: a time that was rounded up must not lead to the next picture.
    seek = ("-ss", f"{seconds - 0.001:.6f}") if seconds > 0.001 else ()
    filters = ",".join((*_cleaned(film), _scale(film.width, film.height), *_toned(film, means)))
    return (
        *_ALWAYS,
        *(seek if search else ()),
        *_input(film, means),
        *(() if search else seek),
        *("-map", f"0:{film.video_stream}", "-frames:v", "1"),
        *("-vf", f"{filters},format=rgb24,setsar=1"),
        *_NOTHING_BUT_MEDIA,
        # image2pipe, since image2 would read a number pattern into the file's name
        *("-an", "-c:v", "png", "-f", "image2pipe", f"file:{target}"),
    )


def _size(rendition: Rendition) -> tuple[int, int]:
    return rendition.width * rendition.height, rendition.width


def _input(film: Film, means: Means) -> tuple[str, ...]:
    """The one file, read by the demuxer that its bytes call for, and nothing that it names."""
    return (
        *("-protocol_whitelist", "file,pipe"),
        *("-threads", str(means.threads)),
        *("-max_pixels", str(means.pixels)),
        *("-f", film.container, "-i", f"file:{film.path}"),
    )


def _graph(film: Film, wanted: Sequence[Rendition], means: Means) -> str:
    """A cascade: each size is scaled from the one above, and split where several need it.

    ffmpeg turns the film upright by itself, before the first filter.
    """
    sizes = [(size, list(group)) for size, group in groupby(wanted, key=_size)]
    source, first = f"0:{film.video_stream}", list(_cleaned(film))
    number, chains = 0, []
    for place, (_, group) in enumerate(sizes):
        taps = [f"v{number + offset}" for offset in range(len(group))]
        number += len(group)
        following = [f"s{place + 1}"] if place + 1 < len(sizes) else []
        tone = _toned(film, means) if place == 0 else ()
        filters = (*first, _scale(group[0].width, group[0].height), *tone)
        chains.append(_chain(source, filters, [*taps, *following]))
        source, first = f"s{place + 1}", []
    return ";".join(chains)


def _chain(source: str, filters: Iterable[str], sinks: Sequence[str]) -> str:
    split = (f"split={len(sinks)}",) if len(sinks) > 1 else ()
    steps = ",".join((*filters, "format=yuv420p", "setsar=1", *split))
    return f"[{source}]{steps}" + "".join(f"[{sink}]" for sink in sinks)


def _cleaned(film: Film) -> tuple[str, ...]:
    return ("yadif=deint=interlaced",) if film.interlaced else ()


def _scale(width: int, height: int) -> str:
    return f"scale={width}:{height}:out_range=tv"


def _toned(film: Film, means: Means) -> tuple[str, ...]:
    if film.transfer is None or not means.tone_mapping:
        return ()
    told = f"setparams=color_primaries=bt2020:colorspace=bt2020nc:color_trc={film.transfer}"
    return told, _HDR_TO_SDR


def _output(
    film: Film, rendition: Rendition, number: int, directory: Path, means: Means
) -> tuple[str, ...]:
    return (
        *("-map", f"[v{number}]", *_NOTHING_BUT_MEDIA),
        *("-c:v", "libx264", "-preset", rendition.preset, "-crf", str(rendition.crf)),
        *("-threads:v", str(means.threads)),
        *_sound(film, rendition),
        *("-max_muxing_queue_size", _PACKETS_KEPT, "-fflags", "+bitexact"),
        *("-movflags", "+faststart", "-f", "mp4", f"file:{directory / rendition.file}"),
    )


def _sound(film: Film, rendition: Rendition) -> tuple[str, ...]:
    if rendition.audio_kbps is None:
        return ("-an",)
    track = ("-map", f"0:{film.audio_stream}")
    return (*track, "-c:a", "aac", "-b:a", f"{rendition.audio_kbps}k", "-ac", "2")
