"""Looking into a film that was made here. Runs in a child: of what strangers made."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from services.process.video.film import Film, Limits
from services.process.video.source.probe import opened, probe, shown_streams
from services.process.video.source.tracks import end_of

# What we made has its limits.
_OURS = Limits(seconds=math.inf, pixels=2**62, streams=2**31, frames=2**62)


@dataclass(frozen=True, slots=True)
class Inspected:
    """A finished output.

    Attributes:
        film: what is in it.
        seconds: the length of its pictures and sound; captions may go on behind them.
        size, sha256: its bytes, and their digest as hex.
    """

    film: Film
    seconds: float
    size: int
    sha256: str


def inspect(path: Path, demuxer: str | None = None) -> Inspected:
    """What became of an output, read from its bytes; see `probe` for the errors."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    film = probe(path, _OURS, demuxer)
    return Inspected(film, _seconds(film), path.stat().st_size, digest)


def _seconds(film: Film) -> float:
    if not film.captions:
        return film.duration_seconds
    with opened(film.path, film.container) as media:
        shown = [end_of(media, track) for track in shown_streams(media)]
        heard = [end_of(media, track) for track in media.streams.audio]
    ends = shown + heard
    return max(ends) if all(ends) else film.duration_seconds
