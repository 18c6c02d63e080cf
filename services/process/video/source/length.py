"""How long a film really is, where its header alone tells. Runs in a child: strangers made the file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from services.process.video.film import Film, Limits
from services.process.video.source.ebml import cut_off
from services.process.video.source.riff import riff_cut_off
from services.process.video.source.whole import tolerated

if TYPE_CHECKING:
    import av.container

# In the others each picture's time is in a table, or the length is an estimate anyway.
CLAIMED: dict[str, Callable[[Path], bool]] = {
    "matroska": cut_off,
    "flv": lambda _: False,  # `Film.flaw` tells
    "avi": riff_cut_off,
}
_READ_BYTES = 2**30  # of a file that is looked into though its length would be allowed
_MICROSECONDS = 1_000_000
_Ends = tuple[dict[int, float], int]
_REST = 0.05  # of a file may come behind its last packet: an index


def believed(film: Film, media: "av.container.InputContainer", limits: Limits) -> Film:
    """The film with the length that is in it, where its header claims much more.

    Not one that breaks off: by the length that it should have that is found out.
    """
    is_cut_off = CLAIMED.get(film.container)
    if is_cut_off is None or film.flaw or not film.duration_seconds:
        return film
    if is_cut_off(Path(film.path)):
        return film
    allowed = film.duration_seconds <= limits.seconds
    if allowed and media.size > _READ_BYTES:
        return film
    looked_for = min(film.duration_seconds, limits.seconds)
    ends, read_bytes = _ends(media, looked_for)
    whole = max(ends.values(), default=0.0)
    if read_bytes < (1 - _REST) * media.size:  # a file with a hole, and no header that claims
        return film
    if not whole or whole >= looked_for - tolerated(looked_for):
        return film
    picture = 0.0 if film.video_stream is None else ends.get(film.video_stream, whole)
    return replace(
        film,
        duration_seconds=whole,
        picture_seconds=picture,
        bit_rate=round(8 * media.size / whole) if whole else 0,
    )


def _ends(media: "av.container.InputContainer", at: float) -> _Ends:
    """Where each stream ends, in seconds, as far as to `at`; and where the last packet ends.

    Only what comes after the last key frame before `at` is read; all of a file that cannot be
    searched, and then seems to end at once.
    """
    near = _ends_from(media, at, at)
    return near if near[0] else _ends_from(media, 0.0, at)


def _ends_from(media: "av.container.InputContainer", place: float, at: float) -> _Ends:
    import av

    start = media.start_time or 0
    try:
        media.seek(start + int(place * _MICROSECONDS), backward=True)
    except av.FFmpegError:
        return {}, 0
    ends: dict[int, float] = {}
    last = 0
    for packet in media.demux():
        last = max(last, (packet.pos or 0) + packet.size)
        if packet.pts is None or packet.time_base is None:
            continue
        end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
        ends[packet.stream_index] = max(
            ends.get(packet.stream_index, 0.0), end - start / _MICROSECONDS
        )
        if ends[packet.stream_index] >= at:
            break
    return ends, last
