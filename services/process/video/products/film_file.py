"""A finished file with film or sound in it: looked into, and described."""

from services.process.video.branch import Window
from services.process.video.film import Film
from services.process.video.products.product import Passed
from services.process.video.verdict import summary
from shared.errors import CorruptMedia
from shared.jobs import Output

_WHOLE = 0.95  # of the film's length, and …
_WHOLE_WITHIN_SECONDS = 0.25


async def described(
    passed: Passed,
    name: str,
    ext: str,
    media_type: str,
    window: Window,
    demuxer: str | None = None,
) -> Output:
    """The output `name.ext`, which lies in the attempt's directory.

    Args:
        demuxer: who reads it, if it is none of the containers that films come in.

    Raises:
        CorruptMedia: it holds less of the film than there is.
    """
    file = f"{name}.{ext}"
    made = await passed.tools.inspect(passed.directory / file, demuxer, passed.work)
    film = made.film
    if film.video_stream is not None:
        check_whole(passed, film.picture_seconds, window)
    return Output(
        name=name,
        ext=ext,
        path=passed.work.relative(passed.work.directory / file),
        size=made.size,
        sha256=made.sha256,
        media_type=media_type,
        width=film.width or None,
        height=film.height or None,
        duration_seconds=round(film.duration_seconds, 3),
        engine=passed.tools.ffmpeg.name,
    )


def check_whole(passed: Passed, seconds: float, window: Window) -> None:
    """Refuse a film that breaks off: ffmpeg takes it for one that ends, and only complains.

    Neither sign is enough: some films are shorter than they say, and many play well in spite
    of an error.

    Args:
        seconds: how much of the window became pictures.
    """
    wanted = expected_seconds(passed.film, window)
    missing = wanted - seconds
    if not passed.complaints or missing <= max(_WHOLE_WITHIN_SECONDS, (1 - _WHOLE) * wanted):
        return
    raise CorruptMedia(
        f"The film is damaged: only {seconds:.1f} of its"
        f" {wanted:.1f} seconds can be decoded ({summary(passed.complaints)})."
    )


def expected_seconds(film: Film, window: Window) -> float:
    """How long the pictures of the window are."""
    left = max(0.0, film.picture_seconds - window.start)
    return left if window.seconds is None else min(left, window.seconds)
