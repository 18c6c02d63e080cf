"""What ffmpeg is told. Pure: from a film and what is wanted of it to arguments."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path

from services.process.video.ffmpeg.branch import WHOLE, Beside, Branch, Tap, Window
from services.process.video.ffmpeg.codecs import CODECS
from services.process.video.ffmpeg.graph import apart, beside, cleaned, graph, scaled, toned
from services.process.video.ffmpeg.tee import Pictures, tee
from services.process.video.film import Film
from services.process.video.hardware.arguments import coded, encodes, fetching, giving, opening
from services.process.video.hardware.device import ALL_ON_CPU, Route
from services.process.video.source.probe import LOOKING
from services.process.video.source.whole import picture_seconds

ALWAYS = (
    *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-n"),
    *("-progress", "pipe:1", "-stats_period", "0.5"),
)
_LEAST_UNITS = 480  # of time, in a second
# To be safe: ffmpeg searches 0.13 s earlier where pictures are out of order, and what is before the
# first key frame is not found, but something in the middle of the film is.
_SEARCHED_SECONDS = 0.5
_JUMP_SECONDS = 10.0  # in MPEG; ffmpeg's own
_ROUNDED_SECONDS = 0.002  # by which times of pictures may differ from those in the file
# Demuxers of which ffmpeg counts time from the first stream that is read, and not from the first.
_COUNTED_ANEW = frozenset({"mpeg", "mpegts"})
_PACKETS_KEPT = "4096"  # while an output waits for the first packet of its other stream
# Read once, then gone: ffmpeg's usual level takes most of the time of the whole picture.
PNG = ("-c:v", "png", "-compression_level", "1")
NOTHING_BUT_MEDIA = ("-map_metadata", "-1", "-map_chapters", "-1", "-dn")


@dataclass(frozen=True, slots=True)
class Means:
    """What ffmpeg may use.

    Attributes:
        threads: of each decoder, filter and encoder.
        pixels: the most that a frame may have, whatever the file said before.
        tone_mapping: whether it can turn HDR into what every screen shows.
        route: what is done on a GPU.
    """

    threads: int
    pixels: int
    tone_mapping: bool
    route: Route = ALL_ON_CPU


def encode(
    film: Film, branches: Sequence[Branch], means: Means, window: Window = WHOLE
) -> tuple[str, ...]:
    """Arguments that make all `branches` in one passage: the film is read and decoded once.

    Sound and captions that several files have alike are encoded once, too. Of a part of the film,
    only pictures and the sound beside them are made.
    """
    window = _whole_if_near(window)
    branches = [_given(branch, means.route) for branch in ordered(branches)]
    first = (*_pictures_in(window), *fetching(means.route, film))
    chains, labels = graph(film, branches, means.tone_mapping, first, window.seconds)
    # What has no pictures is read by itself: where both come from one reading, ffmpeg 9 can wait
    # for itself for ever when sound that begins late, or has gaps, is filled up with silence.
    readings = 2 if len({branch.is_apart for branch in branches}) > 1 else 1
    graphs = (chains, beside(branches, *_sound_in(window)), apart(branches, readings - 1))
    return (
        *ALWAYS,
        *("-filter_complex_threads", str(means.threads)),
        *(*_opened(window), *opening(means.route), *_input(film, means)),
        *((*_opened(window), *_input(film, means)) * (readings - 1)),
        *(argument for one in graphs if one for argument in ("-filter_complex", ";".join(one))),
        *_outputs([*zip(branches, labels, strict=True)], means, film, window),
        *(argument for number in range(readings) for argument in _all_streams(film, number)),
    )


def ordered(branches: Iterable[Branch]) -> list[Branch]:
    """The branches as ffmpeg gets them: it counts the pictures of the first that has any."""

    def few(branch: Branch) -> tuple[bool, bool]:
        return branch.file is None, branch.tap is None or branch.tap.sparse

    return sorted(branches, key=few)


def grab(
    film: Film,
    seconds: float,
    target: Path,
    means: Means,
    size: tuple[int, int],
    *,
    lead: float = 0.0,
    search: bool = True,
) -> tuple[str, ...]:
    """Arguments that write the picture at `seconds`, upright and lossless, as a PNG.

    Args:
        size: width and height that it gets, in pixels.
        lead: see `Window`.
        search: jump there; else decode all that is before, for files that cannot be searched.
    """
    # A millisecond early: a time that was rounded up must not lead to the next picture.
    seconds = max(0.0, seconds - 0.001)
    window = _whole_if_near(Window(seconds, lead=min(lead, seconds)))
    shown = f"{scaled(*size)}:flags=lanczos"
    filters = ",".join((*cleaned(film), shown, *toned(film, means.tone_mapping)))
    return (
        *ALWAYS,
        *(_jump(window) if search else ()),
        *_input(film, means),
        *(_cut(window) if search else ("-ss", f"{seconds:.6f}")),
        *("-map", f"0:{film.video_stream}", "-frames:v", "1"),
        *("-vf", f"{filters},format=rgb24,setsar=1"),
        *NOTHING_BUT_MEDIA,
        *("-sn", "-an", *png(target)),
        *_all_streams(film, 0),
    )


def png(target: Path) -> tuple[str, ...]:
    """One lossless picture as a file."""
    # image2pipe, since image2 would read a number pattern into the file's name
    return (*PNG, "-f", "image2pipe", f"file:{target}")


def _whole_if_near(window: Window) -> Window:
    """The window, read from the film's beginning if that is near, where FLV cannot be searched."""
    near = window.start - window.lead < _SEARCHED_SECONDS
    return replace(window, lead=window.start) if near else window


def _reads_all_before(window: Window) -> bool:
    """Whether reading begins with the film.

    It does so without a jump: that would lead to the first key frame of the pictures, and what
    sound there is before them would be lost.
    """
    return 0 < window.start <= window.lead


def _opened(window: Window) -> tuple[str, ...]:
    """Where reading begins. The start is at 0 by ffmpeg's clock.

    What is before 0 is thrown away by the filters: by itself ffmpeg would do so with the picture
    that is shown at the start, unless it begins then.
    """
    if not window.start:
        return ()
    if _reads_all_before(window):
        return _early(window)
    return (*_jump(window), "-noaccurate_seek")


def _jump(window: Window) -> tuple[str, ...]:
    begins = window.start - window.lead
    return (*(("-ss", f"{begins:.6f}") if begins else ()), *_early(window))


def _early(window: Window) -> tuple[str, ...]:
    if not window.lead:
        return ()
    return ("-itsoffset", f"{-window.lead:.6f}", *_patient(window.lead))


def _cut(window: Window) -> tuple[str, ...]:
    """For an output, where nothing was jumped: what is before the start goes no further."""
    return ("-ss", "0") if _reads_all_before(window) else ()


def _pictures_in(window: Window) -> tuple[str, ...]:
    """Filters: the first picture is the one shown at the window's start, from there on.

    What is read is ended by filters, never by the outputs' `-t`: an encoder that stops by itself
    is something that ffmpeg 9 does not tell those who then wait for it, for ever.
    """
    bounded = _bounded("trim", window, -window.shown - _ROUNDED_SECONDS)
    # trim rounds to the unit of the times, which AVI has as long as a picture.
    fine = ("settb=AVTB",) if bounded else ()
    shown = ("setpts='max(0,PTS)'",) if window.start else ()
    return (*fine, *bounded, *shown)


def _sound_in(window: Window) -> tuple[str, ...]:
    """Filters: the sound between the window's start and its end."""
    return _bounded("atrim", window, 0)


def _bounded(name: str, window: Window, begins: float) -> tuple[str, ...]:
    """The filter of that name, where the window is not all of the film."""
    start = (f"start={begins:.6f}",) if window.start else ()
    end = () if window.seconds is None else (f"end={window.seconds:.6f}",)
    return (f"{name}={':'.join((*start, *end))}",) if start or end else ()


def _patient(seconds: float) -> tuple[str, ...]:
    """So that a clock which begins so much below 0 is not taken for one that jumped, and mended."""
    return ("-dts_delta_threshold", f"{_JUMP_SECONDS + seconds:.6f}")


def _input(film: Film, means: Means) -> tuple[str, ...]:
    """The one file, read by the demuxer that its bytes call for, and nothing that it names."""
    return (
        *("-protocol_whitelist", "file,pipe"),
        *("-threads", str(means.threads)),
        *("-max_pixels", str(means.pixels)),
        *(
            word
            for name, value in LOOKING.get(film.container, {}).items()
            for word in (f"-{name}", value)
        ),
        *("-f", film.container, "-i", f"file:{film.path}"),
    )


def _all_streams(film: Film, reading: int) -> tuple[str, ...]:
    """An output to nowhere, so that times are the film's, whatever is read of it; over at once."""
    if film.container not in _COUNTED_ANEW:
        return ()
    streams = (film.video_stream, *(sound.stream for sound in film.sounds))
    mapped = tuple(f"{reading}:{stream}" for stream in streams if stream is not None)
    maps = (argument for one in mapped for argument in ("-map", one))
    return (*maps, "-c", "copy", "-t", "0.001", "-f", "null", "-")


def _outputs(
    branches: Sequence[tuple[Branch, str]], means: Means, film: Film, window: Window
) -> Iterator[str]:
    """All outputs: one for each branch, but one for all files with the same beside pictures.

    Branches come as `ordered` gives them.
    """
    files: dict[Beside, list[Pictures]] = {}
    others: list[str] = []
    always = _all_outputs(means)
    for branch, label in branches:
        source = f"[{label}]" if label else f"0:{branch.copied}"
        options = (*_clock(film, branch.tap), *_coded(branch, means), *branch.options)
        if branch.file is not None:
            options = (*options, *_lasting(film, window))
            files.setdefault(branch.file.beside, []).append(Pictures(source, options, branch.file))
        else:
            others += (*(("-map", source) if label else ()), *always, *options)
    for number, alike in enumerate(files.values()):
        yield from (*always, *tee(alike, f"[a{number}]"))
    yield from others


def _all_outputs(means: Means) -> tuple[str, ...]:
    return (
        *NOTHING_BUT_MEDIA,
        *("-threads:v", str(means.threads), "-max_muxing_queue_size", _PACKETS_KEPT),
        *("-fflags", "+bitexact"),
    )


def _clock(film: Film, tap: Tap | None) -> tuple[str, ...]:
    """The unit of the pictures' times, which ffmpeg would round to the film's average ones.

    Those of uneven films would move, and some fall together. A multiple of the rate: containers
    that round times to milliseconds make no even film uneven.
    """
    rate = Fraction(film.frame_rate).limit_denominator(1001)
    if tap is None or tap.fps is not None or not rate:
        return ()
    units = rate * max(1, ceil(_LEAST_UNITS / rate))
    return ("-enc_time_base:v", f"{units.denominator}/{units.numerator}")


def _lasting(film: Film, window: Window) -> tuple[str, ...]:
    """So that no picture of a part lasts longer than that.

    The one that is shown at its start came with the time before it; and where pictures come at
    uneven distances, MP4 gives some the time of others. Up to 7.0, none comes with a time.
    """
    if not window.start and window.seconds is None:
        return ()
    usual = f"{1 / film.frame_rate:.6f}/TB" if film.frame_rate else "1"
    left = f"max(1,{picture_seconds(film, window):.6f}/TB-PTS)"
    lasting = f"min(if(gt(DURATION,0),DURATION,{usual}),{left})".replace(",", r"\,")
    return "-bsf:v", f"setts=pts=PTS:dts=DTS:duration={lasting}"


def _given(branch: Branch, route: Route) -> Branch:
    """The branch with its pictures given to the device, if that encodes them."""
    chain = giving(route.kind) if route.kind is not None and encodes(route, branch) else None
    return replace(branch, chain=chain) if chain else branch


def _coded(branch: Branch, means: Means) -> tuple[str, ...]:
    if (coding := branch.coding) is None:
        return ()
    if means.route.kind is not None and encodes(means.route, branch):
        return coded(means.route.kind, coding)
    options = CODECS[coding.codec].options(coding.preset, means.threads)
    return (*options, "-crf", str(coding.crf))
