"""A short moving picture without sound, that runs in a circle."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.process.video.ffmpeg.branch import Branch, Tap, Window
from services.process.video.film import Film
from services.process.video.products.product import Passed, Plain
from services.process.video.source.whole import picture_seconds
from shared.jobs import Output

Moving = Literal["webp", "gif"]
# A palette for each picture: one for all is known at the end only, and all pictures wait for it.
_PALETTE = (
    "[{source}]split[{sink}a][{sink}b];[{sink}a]palettegen=stats_mode=single[{sink}p];"
    "[{sink}b][{sink}p]paletteuse=new=1[{sink}]"
)


@dataclass(frozen=True, slots=True)
class Preview(Plain):
    """A moving WebP or GIF; a preview in MP4 is a silent `Rendition`.

    Attributes:
        fps: pictures per second; None for those that the film has.
        quality: 1 to 100; has no meaning for GIF.
        salvage: see `Product.salvage`.
    """

    name: str
    format: Moving
    width: int
    height: int
    fps: float | None
    quality: int
    window: Window
    salvage: bool = False

    @property
    def libraries(self) -> tuple[str, ...]:
        """WebP's encoder."""
        return ("libwebp",) if self.format == "webp" else ()

    @property
    def decodes(self) -> bool:
        """See `Product.decodes`."""
        return True

    @property
    def files(self) -> tuple[str, ...]:
        """See `Product.files`."""
        return (f"{self.name}.{self.format}",)

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One."""
        tap = Tap(self.width, self.height, self.fps)
        target = ("-f", self.format, f"file:{directory / self.name}.{self.format}")
        if self.format == "gif":
            return (Branch(("-an", "-c:v", "gif", "-loop", "0", *target), tap, _PALETTE),)
        encoder = ("-c:v", "libwebp_anim", "-quality", str(self.quality), "-compression_level", "4")
        return (Branch(("-an", *encoder, "-loop", "0", *target), tap),)

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`."""
        rounded = 1 / self.fps if self.fps else 0.0  # a picture more or less
        wanted = picture_seconds(passed.film, self.window)
        missing = passed.missing(passed.seconds + rounded, wanted)
        file = f"{self.name}.{self.format}"
        (piece,) = await passed.tools.digests((passed.written(file),), passed.work)
        return (
            Output(
                name=self.name,
                ext=self.format,
                path=passed.work.relative(passed.work.directory / file),
                size=piece.size,
                sha256=piece.sha256,
                media_type=f"image/{self.format}",
                width=self.width,
                height=self.height,
                duration_seconds=self.window.seconds if missing is None else wanted - missing,
                missing_seconds=missing,
                engine=passed.tools.ffmpeg.name,
            ),
        )
