"""Reading a film forward, by jumps where its key frames allow them. Runs in a child."""

from typing import TYPE_CHECKING

from services.process.video.source.probe import picture_stream, pictures
from services.process.video.stills.moment import clock
from services.process.video.stills.seeking import Key, go_to, key_before, start_of

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
        earliest = start_of(self._scout) if self.shown is None else clock(self.shown)
        key = key_before(self._scout, time, earliest)
        if key and (self.shown is None or key.time > clock(self.shown)):
            self._jump(key)
        if key is None or time - key.time > slack:
            self._read_to(time)

    def _jump(self, key: Key) -> None:
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
