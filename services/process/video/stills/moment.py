"""Which picture of a film makes its poster. Runs in a child."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from services.process.video.film import Film
from services.process.video.source.probe import opened, picture_stream, pictures
from services.process.video.stills.seeking import go_to, key_before, start_of, to_the_beginning

if TYPE_CHECKING:
    import av.container
    from av import VideoFrame
    from av.video.stream import VideoStream

# Where posters are looked for, in shares of the film: after the titles, before the credits.
_PLACES = (0.1, 0.2, 0.3, 0.45, 0.6, 0.05, 0.75, 0.0)
_CLEAR_MEAN = 40.0  # mean and standard deviation of the grey values, 0 to 255
_CLEAR_SPREAD = 16.0
_SAMPLE = (64, 36)
_FROM_THE_START = (0, 500, 10)  # first, last, step


def moment(film: Film, at: float | None) -> float:
    """The time of a picture that the film has, in seconds from its start.

    Args:
        at: the picture shown at this second is meant, the last one if the film is shorter;
            None for one that shows something: neither black, nor white, nor of one colour.
    """
    with opened(film.path, film.container) as media:
        video = picture_stream(media)
        start = start_of(media)
        if at is not None:
            shown = shown_at(media, video, start + at)
        else:
            shown = _clearest(_sought(media, video, start, film.picture_seconds))
        if shown is not None:
            return max(0.0, clock(shown) - start)
    return _from_the_start(film)


def _from_the_start(film: Film) -> float:
    """The time of a clear picture of a film that cannot be searched."""
    with opened(film.path, film.container) as media:
        first = pictures(media, picture_stream(media))
        shown = _clearest(islice(first, *_FROM_THE_START))
        start = start_of(media)
    return max(0.0, clock(shown) - start) if shown is not None else 0.0


def _clearest(candidates: Iterable["VideoFrame"]) -> "VideoFrame | None":
    """The first clear picture, or the one that comes closest to it."""
    best, best_score = None, -1.0
    for frame in candidates:
        mean, spread = _light(frame)
        if mean >= _CLEAR_MEAN and spread >= _CLEAR_SPREAD:
            return frame
        if (score := min(mean, _CLEAR_MEAN) + spread) > best_score:
            best, best_score = frame, score
    return best


def _sought(
    media: "av.container.InputContainer", video: "VideoStream", start: float, seconds: float
) -> Iterator["VideoFrame"]:
    """At each place the key frame before it, which costs little, then the picture itself."""
    for place in _PLACES:
        time = start + place * seconds
        go_to(media, time)
        yield from islice(pictures(media, video), 1)
        if (shown := shown_at(media, video, time)) is not None:
            yield shown


def shown_at(
    media: "av.container.InputContainer", video: "VideoStream", time: float
) -> "VideoFrame | None":
    """The picture that a player shows at `time`: the last one that began until then."""
    key = key_before(media, time, start_of(media))
    if key:
        go_to(media, key.place)
    else:
        to_the_beginning(media)
    shown = None
    for frame in pictures(media, video):
        if shown is not None and clock(frame) > time:
            break
        shown = frame
    return shown


def clock(frame: "VideoFrame") -> float:
    """The picture's time in seconds by the file's own clock, which need not start at 0."""
    if frame.pts is None or frame.time_base is None:
        return 0.0
    return float(frame.pts * frame.time_base)


def _light(frame: "VideoFrame") -> tuple[float, float]:
    """Mean and standard deviation of the picture's grey values."""
    width, height = _SAMPLE
    plane = frame.reformat(width, height, "gray").planes[0]
    rows = memoryview(bytes(plane))
    values = [v for y in range(height) for v in rows[y * plane.line_size :][:width]]
    mean = sum(values) / len(values)
    return mean, (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
