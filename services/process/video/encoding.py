"""The renditions of a film, made by one run of ffmpeg and looked into afterwards."""

from collections.abc import Sequence

from services.process.video import command
from services.process.video.film import Film, Rendition
from services.process.video.probe import Inspected
from services.process.video.run import Advance, run
from services.process.video.tools import Tools
from services.process.video.verdict import summary
from shared.errors import CorruptMedia
from shared.jobs import Output
from shared.work import Work

_WHOLE = 0.95  # of the film's length, and …
_WHOLE_WITHIN_SECONDS = 0.25


async def encoded(
    tools: Tools, film: Film, renditions: Sequence[Rendition], work: Work, advance: Advance
) -> tuple[Output, ...]:
    """Make `renditions` as files in `work.directory`, in their order.

    Raises:
        CorruptMedia: the film cannot be decoded, or not to its end.
        SourceTooLarge, TimeLimit, WorkspaceFull, EngineUnavailable: see `run` and `Pool.call`.
    """
    if not renditions:
        return ()
    directory = work.directory.absolute()
    arguments = command.encode(film, renditions, directory, tools.means)
    complaints = await run(tools.ffmpeg, arguments, tools.grant, work, advance)
    outputs = []
    for rendition in renditions:
        made = await tools.inspect(directory / rendition.file, work)
        _check_whole(film, made.film, complaints)
        outputs.append(_output(rendition, made, tools.ffmpeg.name, work))
    return tuple(outputs)


def _check_whole(film: Film, made: Film, complaints: str) -> None:
    """Refuse a film that breaks off: ffmpeg takes it for one that ends, and only complains.

    Neither sign is enough: some films are shorter than they say, and many play well in spite
    of an error.
    """
    missing = film.picture_seconds - made.picture_seconds
    if not complaints or missing <= max(_WHOLE_WITHIN_SECONDS, (1 - _WHOLE) * film.picture_seconds):
        return
    raise CorruptMedia(
        f"The film is damaged: only {made.picture_seconds:.1f} of its"
        f" {film.picture_seconds:.1f} seconds can be decoded ({summary(complaints)})."
    )


def _output(rendition: Rendition, made: Inspected, engine: str, work: Work) -> Output:
    return Output(
        name=rendition.name,
        ext=rendition.extension,
        path=work.relative(work.directory / rendition.file),
        size=made.size,
        sha256=made.sha256,
        media_type=rendition.media_type,
        width=made.film.width,
        height=made.film.height,
        duration_seconds=round(made.film.duration_seconds, 3),
        engine=engine,
    )
