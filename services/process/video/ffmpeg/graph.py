"""The filters of one passage: one decoded film, many sizes of it. Pure.

Each size is scaled from the next larger one, and split where several need it; see `cascade`.
ffmpeg turns the film upright by itself, before the first filter.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from services.process.video.ffmpeg.branch import Branch
from services.process.video.ffmpeg.cascade import Numbered, Step, cascade
from services.process.video.film import Film

_ROUNDED = 0.001  # pictures
# zscale takes and gives no picture with an odd side whose colours are of half the size (4:2:0).
_FOR_ZSCALE = "format=yuv444p10le"
_HDR_TO_SDR = (
    "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,"
    "tonemap=tonemap=mobius:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv444p"
)


def graph(
    film: Film,
    branches: Sequence[Branch],
    tone_mapping: bool,
    before: tuple[str, ...] = (),
    seconds: float | None = None,
) -> tuple[list[str], list[str]]:
    """The chains of pictures, and for each branch the label that it maps, where it maps one.

    What has no pictures is no part of it; see `apart` and `beside`.

    Args:
        before: filters that all pictures go through before anything else.
        seconds: when pictures at another rate than the film's end, since that may move them.
    """
    taps = [(n, branch.tap) for n, branch in enumerate(branches) if branch.tap is not None]
    chains = [*_chains(film, taps, tone_mapping, (*before, *cleaned(film)), seconds)]
    labels = []
    for number, branch in enumerate(branches):
        if branch.tap is not None and branch.chain is not None:
            chains.append(branch.chain.format(source=f"v{number}", sink=f"w{number}"))
        labels.append(
            f"{'w' if branch.chain else 'v'}{number}" if branch.tap or branch.chain else ""
        )
    return chains, labels


def apart(branches: Sequence[Branch], reading: int) -> list[str]:
    """The chains of what has no pictures, from the input of that number."""
    return [
        branch.chain.format(input=reading, sink=f"w{number}")
        for number, branch in enumerate(branches)
        if branch.is_apart and branch.chain is not None
    ]


def beside(branches: Sequence[Branch], *cut: str) -> list[str]:
    """The chains of sound beside pictures, once for all alike, and behind each the filters `cut`.

    They end in `a0`, `a1` and so on, in the order in which they are first wanted.
    """
    shared = dict.fromkeys(branch.file.beside for branch in branches if branch.file)
    sounds = [(number, one.sound) for number, one in enumerate(shared) if one.sound is not None]
    if not cut:
        return [sound.format(input=0, sink=f"a{number}") for number, sound in sounds]
    return [
        f"{sound.format(input=0, sink=f's{number}')};[s{number}]{','.join(cut)}[a{number}]"
        for number, sound in sounds
    ]


def cleaned(film: Film) -> tuple[str, ...]:
    """What every picture goes through first."""
    return ("yadif=deint=interlaced",) if film.interlaced else ()


def scaled(width: int, height: int) -> str:
    """Scaling to that size, in the range of brightness that films have."""
    return f"scale={width}:{height}:out_range=tv"


def toned(film: Film, tone_mapping: bool) -> tuple[str, ...]:
    """From HDR to what every screen shows, where ffmpeg can do that."""
    if film.transfer is None or not tone_mapping:
        return ()
    return _FOR_ZSCALE, _told(film), _HDR_TO_SDR


def _told(film: Film) -> str:
    return f"setparams=color_primaries=bt2020:colorspace=bt2020nc:color_trc={film.transfer}"


def _chains(
    film: Film,
    taps: Sequence[Numbered],
    tone_mapping: bool,
    first: tuple[str, ...],
    seconds: float | None,
) -> Iterator[str]:
    steps = cascade(taps)
    roots = [step.label for step in steps if step.above is None]
    sources = dict.fromkeys(roots, f"0:{film.video_stream}")
    if len(roots) > 1:
        sources = {label: f"c{place}" for place, label in enumerate(roots)}
        yield _chain(f"0:{film.video_stream}", first, [*sources.values()])
        first = ()
    for step in steps:
        filters = _filters(film, step, first, tone_mapping)
        below = [other.label for other in steps if other.above is step]
        sinks = [f"r{n}" if step.is_slowed(tap) else f"v{n}" for n, tap in step.taps]
        yield _chain(sources.get(step.label, step.label), filters, [*sinks, *below])
        slowed = [(n, tap) for n, tap in step.taps if step.is_slowed(tap)]
        for n, tap in slowed:
            yield _chain(f"r{n}", _slowed(tap.fps or 0.0, seconds), [f"v{n}"])


def _slowed(fps: float, seconds: float | None) -> Iterator[str]:
    # By itself fps leaves out the last picture where it counts for less than half of one.
    yield f"fps={fps:g}:eof_action=pass"
    if seconds is not None:
        yield f"trim=end_pts={ceil(seconds * fps - _ROUNDED)}"


def _filters(film: Film, step: Step, first: tuple[str, ...], tone_mapping: bool) -> tuple[str, ...]:
    """From the film, after `first`, or from the step above to the size and look of this one."""
    tap = step.tap
    # To its end: a film that is much shorter than it says would have no picture at all. And from
    # the film's beginning on, even where the first picture comes later.
    few = (f"fps={tap.fps:.9g}:start_time=0:eof_action=pass",) if tap.sparse else ()
    size = scaled(tap.width, tap.height)
    kind = ("format=yuv420p10le" if tap.hdr else "format=yuv420p", "setsar=1")
    if step.above is not None:
        return (*few, size, *kind)
    look = (_told(film),) if tap.hdr else toned(film, tone_mapping)
    return (*few, *first, size, *look, *kind)


def _chain(source: str, filters: Iterable[str], sinks: Sequence[str]) -> str:
    split = (f"split={len(sinks)}",) if len(sinks) > 1 else ()
    steps = ",".join((*filters, *split)) or "null"
    return f"[{source}]{steps}" + "".join(f"[{sink}]" for sink in sinks)
