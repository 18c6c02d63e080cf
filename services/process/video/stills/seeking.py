"""Where reading a film has to begin so that a picture of it can be decoded. Runs in a child."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from services.process.video.film import Film
from services.process.video.source.probe import MICROSECOND, opened, picture_stream

if TYPE_CHECKING:
    import av.container

_SAME_SECONDS = 0.001  # times are told in rounded numbers
_REORDERED_SECONDS = 10.0  # more than pictures are decoded before they are shown
_MARGIN_SECONDS = 0.5  # ffmpeg's program seeks by other clocks, of this much difference at most


@dataclass(frozen=True, slots=True)
class Key:
    """A key frame, in seconds by the file's own clock.

    Attributes:
        time: when it is shown.
        place: what is sought so that reading begins with it, or a little earlier.
    """

    time: float
    place: float


def start_of(media: "av.container.InputContainer") -> float:
    """The time at which the film begins, by the file's own clock."""
    return (media.start_time or 0) * MICROSECOND


def go_to(media: "av.container.InputContainer", time: float) -> None:
    """Read from the key frame before `time`; from where we are if the file cannot be searched."""
    import av

    for place in (time, start_of(media)):
        with suppress(av.FFmpegError):
            media.seek(int(place / MICROSECOND), backward=True)
            return


def to_the_beginning(media: "av.container.InputContainer") -> None:
    """Read from the first picture, which is decoded before the film begins."""
    go_to(media, start_of(media) - _REORDERED_SECONDS)


@dataclass(frozen=True, slots=True)
class Approach:
    """How the picture that is shown at a time is come to.

    Attributes:
        lead: how many seconds earlier reading has to begin; 0 where a search leads to the key
            frame by itself, as it does with an index.
        shown: how many seconds earlier that picture begins.
    """

    lead: float = 0.0
    shown: float = 0.0


def lead(film: Film, seconds: float) -> float:
    """See `Approach.lead`, of the picture that is shown `seconds` from the film's start."""
    with opened(film.path, film.container) as media:
        time = start_of(media) + seconds
        return _lead(key_before(media, time, start_of(media)), time, seconds)


def approach(film: Film, seconds: float) -> Approach:
    """The way to the picture that is shown `seconds` from the film's start; nothing is decoded."""
    with opened(film.path, film.container) as media:
        start = start_of(media)
        time = start + seconds
        key = key_before(media, time, start)
        begins = _begins(media, key.place if key else start - _REORDERED_SECONDS, time)
    return Approach(_lead(key, time, seconds), max(0.0, time - begins))


def _lead(key: Key | None, time: float, seconds: float) -> float:
    early = seconds if key is None else time - key.place
    return min(seconds, early + _MARGIN_SECONDS) if early > 0 else 0.0


def _begins(media: "av.container.InputContainer", place: float, time: float) -> float:
    """When the picture begins that is shown at `time`; then, where none is."""
    go_to(media, place)
    found = []
    for packet in _packets(media):
        if packet.read is not None and packet.read > time:
            break  # what is decoded later is shown later as well
        found.append(packet.time)
    return max((begins for begins in found if begins <= time + _SAME_SECONDS), default=time)


def key_before(media: "av.container.InputContainer", time: float, earliest: float) -> Key | None:
    """The key frame that `time` is to be reached from; None if there is none after `earliest`.

    In a container without an index, such as MPEG-TS, a search leads to any picture.
    """
    back = 0.0
    while (since := time - back) > earliest:
        if (key := _key_between(media, since, time)) is not None:
            return key
        back = 2 * back or 1.0
    return _key_between(media, earliest - _REORDERED_SECONDS, time)


def _key_between(media: "av.container.InputContainer", since: float, until: float) -> Key | None:
    """The first picture from `since` on if it is a key frame, else the last key frame."""
    go_to(media, since)
    found, first = None, True
    for packet in _packets(media):
        if packet.time > until:
            break
        if packet.is_key and first:
            return Key(packet.time, since)
        if packet.is_key:
            found = Key(packet.time, packet.time if packet.read is None else packet.read)
        first = False
    return found


@dataclass(frozen=True, slots=True)
class _Packet:
    """A picture as it is in the file.

    Attributes:
        time: when it is shown, in seconds by the file's own clock.
        read: when it is decoded; None where that is not told.
    """

    time: float
    read: float | None
    is_key: bool


def _packets(media: "av.container.InputContainer") -> Iterator[_Packet]:
    """The pictures from where the file is now read, as `pictures` has them, but not decoded."""
    last: _Packet | None = None
    for packet in media.demux(picture_stream(media)):
        unit = packet.time_base or Fraction(0)
        if packet.pts is not None:
            read = None if packet.dts is None else float(packet.dts * unit)
            last = _Packet(float(packet.pts * unit), read, packet.is_keyframe)
        elif last is not None and packet.size:
            step = float((packet.duration or 0) * unit)
            read = None if last.read is None else last.read + step
            last = _Packet(last.time + step, read, packet.is_keyframe)
        else:
            continue
        yield last
