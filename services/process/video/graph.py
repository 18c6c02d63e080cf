"""The filters of one passage: one decoded film, many sizes of it. Pure.

A cascade: each size is scaled from the next larger one, and split where several need it. Pictures
that stay HDR have a cascade of their own. ffmpeg turns the film upright by itself, before the
first filter.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from services.process.video.branch import Branch, Tap
from services.process.video.film import Film

_HDR_TO_SDR = (
    "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,"
    "tonemap=tonemap=mobius:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv"
)
_FORMATS = {"s": "yuv420p", "h": "yuv420p10le"}  # SDR and HDR


def graph(film: Film, branches: Sequence[Branch], tone_mapping: bool) -> tuple[str, list[str]]:
    """The graph, and for each branch the label that it maps; an empty one where it maps none."""
    taps = [(n, branch.tap) for n, branch in enumerate(branches) if branch.tap is not None]
    chains = [*_cascades(film, taps, tone_mapping)]
    labels = []
    for number, branch in enumerate(branches):
        if branch.chain is not None:
            chains.append(branch.chain.format(source=f"v{number}", sink=f"w{number}"))
            labels.append(f"w{number}")
        else:
            labels.append(f"v{number}" if branch.tap else "")
    return ";".join(chains), labels


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
    return _told(film), _HDR_TO_SDR


def _told(film: Film) -> str:
    return f"setparams=color_primaries=bt2020:colorspace=bt2020nc:color_trc={film.transfer}"


def _cascades(film: Film, taps: list[tuple[int, Tap]], tone_mapping: bool) -> Iterator[str]:
    looks = [[tap for tap in taps if tap[1].hdr is hdr] for hdr in (False, True)]
    both = all(looks)
    first = cleaned(film)
    source = f"0:{film.video_stream}"
    if both:
        yield _chain(source, first, ["c0", "c1"])
    for hdr, look in enumerate(looks):
        tone = (_told(film),) if hdr else toned(film, tone_mapping)
        begin = (f"c{hdr}", ()) if both else (source, first)
        yield from _cascade(look, *begin, tone, "h" if hdr else "s")


def _cascade(
    taps: list[tuple[int, Tap]],
    source: str,
    first: tuple[str, ...],
    tone: tuple[str, ...],
    letter: str,
) -> Iterator[str]:
    few = [tap for tap in taps if tap[1].sparse]
    taps = sorted((t for t in taps if not t[1].sparse), key=lambda t: t[1].size, reverse=True)
    sizes = [list(group) for _, group in groupby(taps, key=lambda tap: tap[1].size)]
    for place, group in enumerate(sizes):
        following = [f"{letter}{place + 1}"] if place + 1 < len(sizes) else []
        tap = group[0][1]
        steps = (
            *first,
            scaled(tap.width, tap.height),
            *tone,
            f"format={_FORMATS[letter]}",
            "setsar=1",
        )
        slowed = [(n, t) for n, t in group if t.fps]
        sinks = [f"r{n}" if t.fps else f"v{n}" for n, t in group]
        if place + 1 == len(sizes):
            following = [f"f{n}" for n, _ in few]
        yield _chain(source, steps, [*sinks, *following])
        yield from (f"[r{n}]fps={t.fps:g}[v{n}]" for n, t in slowed)
        source, first, tone = following[0] if following else "", (), ()
    for number, tap in few:
        taken = (f"fps={tap.fps:.9g}", *first, scaled(tap.width, tap.height), *tone)
        shown = (*taken, f"format={_FORMATS[letter]}", "setsar=1")
        yield _chain(f"f{number}" if sizes else source, shown, [f"v{number}"])


def _chain(source: str, filters: Iterable[str], sinks: Sequence[str]) -> str:
    split = (f"split={len(sinks)}",) if len(sinks) > 1 else ()
    steps = ",".join((*filters, *split)) or "null"
    return f"[{source}]{steps}" + "".join(f"[{sink}]" for sink in sinks)
