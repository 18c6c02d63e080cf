"""Reading a film forward, by jumps where its key frames allow them. Runs in a child."""

from math import inf
from typing import TYPE_CHECKING

from services.process.video.moment import clock, go_to
from services.process.video.probe import picture_stream, pictures

if TYPE_CHECKING:
    import av.container
    from av import VideoFrame


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
        if self.shown is None or key > clock(self.shown):
            self._jump(time)
        if time - key > slack:
            self._read_to(time)

    def _key_before(self, time: float) -> float:
        """When the group of pictures begins that `time` is in; minus infinity if none tells."""
        go_to(self._scout, time)
        for packet in self._scout.demux(picture_stream(self._scout)):
            if packet.pts is not None and packet.time_base is not None:
                return float(packet.pts * packet.time_base)
        return -inf

    def _jump(self, time: float) -> None:
        go_to(self._media, time)
        self._coming = pictures(self._media, picture_stream(self._media))
        self._next = None
        self.shown = next(self._coming, self.shown)

    def _read_to(self, time: float) -> None:
        """Decode up to the picture that a player shows at `time`."""
        while (frame := self._next or next(self._coming, None)) is not None:
            if self.shown is not None and clock(frame) > time:
                self._next = frame
                return
            self.shown, self._next = frame, None
