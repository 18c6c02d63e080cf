"""Bit rates of sound that a file does not tell. Runs in a child: strangers made the file."""

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av.container
    from av.audio.stream import AudioStream

_TICKS = 1_000_000  # of a container's clock, in a second
_PLACES = (0.1, 0.5, 0.9)  # of the film
_PACKETS = 50  # up to each: a second or so
_FAR = 5000  # packets that are read for one place: a minute or two


def heaviest(media: "av.container.InputContainer", track: "AudioStream") -> int:
    """Bits per second of the track at the heaviest of some places; 0 where none can be read."""
    return max((_rate_at(media, track, place) for place in _PLACES), default=0)


def _rate_at(media: "av.container.InputContainer", track: "AudioStream", place: float) -> int:
    import av

    time = place * (media.duration or 0) / _TICKS
    recent = deque[Any](maxlen=_PACKETS)
    try:
        media.seek(int(time * _TICKS))  # to a key frame of the pictures, which may be far
        for packet in islice(media.demux(track), _FAR):
            if packet.size and packet.duration:
                recent.append(packet)
            if _seconds(packet.pts, packet) >= time and len(recent) == _PACKETS:
                break
    except av.FFmpegError:
        return 0
    seconds = sum(_seconds(packet.duration, packet) for packet in recent)
    return round(8 * sum(packet.size for packet in recent) / seconds) if seconds else 0


def _seconds(ticks: int | None, packet: Any) -> float:
    return float((ticks or 0) * (packet.time_base or 0))
