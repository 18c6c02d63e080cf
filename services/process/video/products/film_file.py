"""A finished file with film or sound in it: looked into, and described."""

from services.process.video.products.product import Passed
from shared.errors import CorruptMedia, UnsupportedMedia
from shared.jobs import Output


async def described(
    passed: Passed,
    name: str,
    ext: str,
    media_type: str,
    seconds: float,
    demuxer: str | None = None,
    language: str | None = None,
) -> Output:
    """The output `name.ext`, which lies in the attempt's directory.

    Args:
        seconds: how long the film says that it is.
        demuxer: who reads it, if it is none of the containers that films come in.

    Raises:
        CorruptMedia: it holds less of the film than there is, and that is not enough; or, as the
            film is damaged, it cannot be read.
        EngineUnavailable: it cannot be read, and the film is not known to be damaged.
    """
    file = f"{name}.{ext}"
    try:
        made = await passed.tools.inspect(passed.written(file), demuxer, passed.work)
    except UnsupportedMedia:  # pictures are promised in it that are not there
        raise passed.barren(file) from None
    except CorruptMedia:  # ours, not the one that it was made of
        raise passed.unreadable(file) from None
    film = made.film
    made_seconds = film.duration_seconds if film.video_stream is None else film.picture_seconds
    missing = passed.missing(made_seconds, seconds)
    return Output(
        name=name,
        ext=ext,
        path=passed.work.relative(passed.work.directory / file),
        size=made.size,
        sha256=made.sha256,
        media_type=media_type,
        width=film.width or None,
        height=film.height or None,
        language=language,
        duration_seconds=round(made.seconds, 3),
        missing_seconds=missing,
        engine=passed.tools.ffmpeg.name,
    )
