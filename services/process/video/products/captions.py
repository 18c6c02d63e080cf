"""Captions as WebVTT."""

from dataclasses import dataclass
from pathlib import Path

from services.process.video.ffmpeg.branch import WHOLE, Branch, Window
from services.process.video.film import Film
from services.process.video.products.product import Passed, Plain
from services.process.video.source.whole import steady, witness
from shared.jobs import Output

WEBVTT = "text/vtt"


@dataclass(frozen=True, slots=True)
class CaptionFile(Plain):
    """One track of text captions; see `Captions` for `stream` and `language`.

    Attributes:
        salvage: see `Product.salvage`.
    """

    name: str
    stream: int
    language: str | None
    window: Window = WHOLE
    salvage: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """See `Product.files`."""
        return (f"{self.name}.vtt",)

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One, of text alone; when that ends says nothing of the film's end."""
        text = Branch(webvtt(self.stream, directory / f"{self.name}.vtt"))
        stream, _ = steady(film)
        return text, witness(stream)

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`."""
        _, seconds = steady(passed.film)
        missing = passed.missing(passed.seconds, seconds)
        file = f"{self.name}.vtt"
        (piece,) = await passed.tools.digests((passed.written(file),), passed.work)
        return (
            Output(
                name=self.name,
                ext="vtt",
                path=passed.work.relative(passed.work.directory / file),
                size=piece.size,
                sha256=piece.sha256,
                media_type=WEBVTT,
                language=self.language,
                missing_seconds=missing,
                engine=passed.tools.ffmpeg.name,
            ),
        )


def webvtt(stream: int, target: Path) -> tuple[str, ...]:
    """Options that write the track as text."""
    return ("-map", f"0:{stream}", "-c:s", "webvtt", "-f", "webvtt", f"file:{target}")
