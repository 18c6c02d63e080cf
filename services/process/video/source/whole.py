"""Whether a film was read to its end: one that breaks off looks like one that ends.

ffmpeg takes it for one, and only complains. Neither that nor the length is enough by itself:
some films are shorter than they say, and many play well in spite of an error.
"""

from collections.abc import Iterable

from services.process.video.ffmpeg.branch import Branch, Window
from services.process.video.ffmpeg.verdict import summary
from services.process.video.film import Film
from shared.errors import CorruptMedia
from shared.jobs import Output

_WITHIN_SECONDS = 0.25
_WITHIN_SHARE = 0.05  # of what there should be


def check_whole(said: str, seconds: float, wanted: float, *, salvage: bool = False) -> float | None:
    """The seconds that are missing of a film of which `seconds` were read, of `wanted`.

    None where it is whole.

    Args:
        said: what ffmpeg complained about, or `Film.flaw`; may be nothing.
        salvage: whether a part is enough.

    Raises:
        CorruptMedia: it breaks off, and a part is not enough, or there is none.
    """
    if not said or wanted - seconds <= tolerated(wanted):
        return None
    if not salvage or seconds <= 0:
        raise broken_off(said, seconds, wanted)
    return round(wanted - seconds, 3)


def lacking(missing: float | None, outputs: Iterable[Output]) -> tuple[Output, ...]:
    """The outputs, with what is missing of the film in them; see `check_whole`."""
    return tuple(output.model_copy(update={"missing_seconds": missing}) for output in outputs)


def tolerated(seconds: float) -> float:
    """How much of so many seconds may be missing: a length is told by more than one measure."""
    return max(_WITHIN_SECONDS, _WITHIN_SHARE * seconds)


def broken_off(said: str, seconds: float, wanted: float) -> CorruptMedia:
    """The error for a film that breaks off."""
    return CorruptMedia(
        f"The film is damaged: only {seconds:.1f} of its {wanted:.1f} seconds can be decoded"
        f" ({summary(said)})."
    )


def witness(stream: int, through: str | None = None) -> Branch:
    """A track that is read beside products whose own length does not tell how far that went.

    Args:
        through: the filter that gives what is decoded of it as it is; without one it is only read.
    """
    nowhere = ("-f", "null", "-")
    if through is None:
        return Branch(("-map", f"0:{stream}", "-c", "copy", *nowhere))
    return Branch(nowhere, chain=f"[{{input}}:{stream}]{through}[{{sink}}]")


def sound_seconds(film: Film, stream: int) -> float:
    """How long that track of sound is."""
    sound = film.sound(stream)
    return (sound.seconds if sound else 0.0) or film.duration_seconds


def steady(film: Film) -> tuple[int, float]:
    """The cheapest track that goes on to the film's end, and how long it is."""
    if film.audio_stream is None:
        return film.video_stream or 0, film.picture_seconds
    return film.audio_stream, sound_seconds(film, film.audio_stream)


def picture_seconds(film: Film, window: Window) -> float:
    """How long the pictures of the window are."""
    left = max(0.0, film.picture_seconds - window.start)
    return left if window.seconds is None else min(left, window.seconds)
