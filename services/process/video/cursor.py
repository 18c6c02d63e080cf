"""Reading a film forward, by jumps where its key frames allow them. Runs in a child."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.process.video.moment import clock, go_to, start_of
from services.process.video.probe import picture_stream, pictures

if TYPE_CHECKING:
    import av.container
    from av import VideoFrame


@dataclass(frozen=True, slots=True)
class _Key:
    """A key frame, in seconds by the file's own clock.

    Attributes:
        time: when it is shown.
        place: what is sought so that reading begins with it, or a little earlier.
    """

    time: float
    place: float


class Cursor:
    """A place in a film. It never goes back, so that nothing is decoded twice.

    Attributes:
        shown: the picture at that place; None before the first.
    """

    def __init__(
        self, media: "av.container.InputContainer", scout: "av.container.InputContainer"
    ) -> None:
        """A place before the film's first picture.

        Args:
            scout: the same film, opened once more: it looks where key frames are.
        """
        self._media = media
        self._scout = scout
        self._coming = pictures(media, picture_stream(media))
        self._next: VideoFrame | None = None
        self.shown: VideoFrame | None = None

    def go(self, time: float, slack: float) -> None:
        """Go on to the picture at `time`, or to a key frame that is at most `slack` seconds early."""
        key = self._key_before(time)
        if key and (self.shown is None or key.time > clock(self.shown)):
            self._jump(key)
        if key is None or time - key.time > slack:
            self._read_to(time)

    def _key_before(self, time: float) -> _Key | None:
        """The key frame that `time` is to be reached from; None if that is not ahead of us.

        In a container without an index, such as MPEG-TS, a search leads to any picture.
        """
        earliest = start_of(self._scout) if self.shown is None else clock(self.shown)
        back = 0.0
        while (key := self._key_between(time - back, time)) is None and time - back > earliest:
            back = 2 * back or 1.0
        return key

    def _key_between(self, since: float, until: float) -> _Key | None:
        """The first picture from `since` on if it is a key frame, else the last key frame."""
        go_to(self._scout, since)
        found, first = None, True
        for packet in self._scout.demux(picture_stream(self._scout)):
            if packet.pts is None or packet.time_base is None:
                continue
            time = float(packet.pts * packet.time_base)
            if time > until:
                break
            if packet.is_keyframe and first:
                return _Key(time, since)
            if packet.is_keyframe:
                read = packet.pts if packet.dts is None else packet.dts
                found = _Key(time, float(read * packet.time_base))
            first = False
        return found

    def _jump(self, key: _Key) -> None:
        """Go to that key frame; what comes before it lacks what it is decoded from."""
        go_to(self._media, key.place)
        self._coming = pictures(self._media, picture_stream(self._media))
        self._next = None
        whole = (frame for frame in self._coming if clock(frame) >= key.time)
        self.shown = next(whole, self.shown)

    def _read_to(self, time: float) -> None:
        """Decode up to the picture that a player shows at `time`."""
        while (frame := self._next or next(self._coming, None)) is not None:
            if self.shown is not None and clock(frame) > time:
                self._next = frame
                return
            self.shown, self._next = frame, None
