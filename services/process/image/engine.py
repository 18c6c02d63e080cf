"""What an image engine is asked, and what it answers. Pure values, so they travel to children."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from services.process.image.look import Colour, Look
from shared.errors import SourceTooLarge

Format = Literal["webp", "avif", "jpeg", "png", "jxl"]
Effort = Literal["fast", "balanced", "best"] | int
Metadata = Literal["none", "exif", "all"]

EXTENSIONS: dict[Format, str] = {"jpeg": "jpg"}
MAX_SIDE_PIXELS: dict[Format, int] = {"webp": 16383, "jpeg": 65500}
OPAQUE: tuple[Format, ...] = ("jpeg",)
EFFORTLESS: tuple[Format, ...] = ("jpeg",)
HALVED: tuple[Format, ...] = ("webp", "avif", "jpeg")
WHITE: Colour = (255, 255, 255)
ANIMATED: tuple[Format, ...] = ("webp", "avif", "png")


@dataclass(frozen=True, slots=True)
class Target(Look):
    """One output file that is wanted of a picture.

    Attributes:
        name: the file's name without its extension.
        quality: 1 to 100; has no meaning for PNG.
        effort: how long the encoder may search for a smaller file; 0 (fastest) to 9 (smallest),
            or by a word, whose number is measured for each format; has no meaning for JPEG.
        background: the colour that transparency is laid on; if None, it stays where the format
            has it and else becomes white.
        animated: whether all frames are wanted, where the format has them; else the first.
        metadata: what is taken over: nothing; EXIF without places and names; EXIF with them.
        least_score: SSIMULACRA2 that the file is to reach with as few bytes as it takes; then
            `quality` means nothing.
        max_bytes: the most that the file may have; quality is given up for it.
        full_colour: whether colours keep the resolution that brightness has, which most formats
            halve; WebP can do so without loss only.
    """

    name: str
    format: Format = "webp"
    quality: int = 80
    effort: Effort = "balanced"
    background: Colour | None = None
    animated: bool = False
    metadata: Metadata = "none"
    least_score: float | None = None
    max_bytes: int | None = None
    full_colour: bool = False

    @property
    def extension(self) -> str:
        """The usual file name extension of the format, without a dot."""
        return EXTENSIONS.get(self.format, self.format)

    @property
    def file(self) -> str:
        """The name of the file that is made."""
        return f"{self.name}.{self.extension}"

    @property
    def ground(self) -> Colour | None:
        """What transparency is laid on; None where it stays."""
        return self.background or (WHITE if self.format in OPAQUE else None)

    @property
    def is_searched(self) -> bool:
        """Whether its quality is to be found."""
        return self.least_score is not None and not self.is_lossless

    @property
    def is_lossless(self) -> bool:
        """Whether quality means nothing to it."""
        return self.format == "png" or (self.format == "webp" and self.full_colour)

    @property
    def moves(self) -> bool:
        """Whether all frames of an animation are wanted, and can be had."""
        return self.animated and self.format in ANIMATED

    @property
    def media_type(self) -> str:
        """The format's media type."""
        return f"image/{self.format}"

    @property
    def max_side(self) -> int:
        """The most pixels that a side may have in the format."""
        return MAX_SIDE_PIXELS.get(self.format, 65535)


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture in memory: upright, in sRGB, 8 bits.

    Attributes:
        rgba: four bytes for each pixel, row by row, not premultiplied.
    """

    width: int
    height: int
    rgba: bytes


class Reader(Protocol):
    """Tells something about a picture as JSON. A frozen dataclass: its fields are parameters."""

    def __call__(self, pixels: Pixels, source: Path) -> dict[str, Any]:
        """What there is to say, by the picture at the size that was asked for and by the file."""
        ...


@dataclass(frozen=True, slots=True)
class Reading(Look):
    """A JSON file that is wanted about a picture; the look is what its reader is shown.

    Attributes:
        name: the file's name without its extension.
    """

    name: str
    reader: Reader
    extension: str = "json"
    media_type: str = "application/json"

    @property
    def file(self) -> str:
        """The name of the file that is made."""
        return f"{self.name}.{self.extension}"


Wish = Target | Reading


@dataclass(frozen=True, slots=True)
class Rendered:
    """One output file that was made.

    Attributes:
        wish: what was asked for.
        width, height: pixels of an output that is a picture.
        size: bytes.
        sha256: hex digest of the file.
        engine: who made it, with version (`pillow 13.0.0`).
        recipe: hex digest of all that the file follows from, but the source; also of what was made
            beside it, for all come from one decoding.
        value: what a `Reading` says; its file holds the same.
        score: SSIMULACRA2 of a picture whose quality was to be found.
    """

    wish: Wish
    width: int | None
    height: int | None
    size: int
    sha256: str
    engine: str
    recipe: str
    value: dict[str, Any] | None = None
    score: float | None = None


Made = dict[Wish, Rendered]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an engine may take on, and what it may use.

    Attributes:
        pixels: the most that a source may have: width times height, times frames where all
            frames are wanted.
        frames: the most that an animation may have, where all are wanted.
        svg: whether SVG drawings are opened.
        watermarks: the folder of the pictures that may be laid over outputs.
        gpu_decode: whether the GPU may decode, where it does the work.
    """

    pixels: int
    frames: int = 2000
    svg: bool = False
    watermarks: Path | None = None
    gpu_decode: bool = False

    def check(self, width: int, height: int, frames: int = 1) -> None:
        """Raise `SourceTooLarge` for a source of more frames or pixels."""
        if frames > self.frames:
            raise _too_long(f"has {frames} frames; {self.frames} are allowed")
        if width * height * frames > self.pixels:
            raise self.refusal if frames == 1 else self._refusal_of(frames)

    @property
    def refusal(self) -> SourceTooLarge:
        """What is said to a source of more pixels."""
        return SourceTooLarge(f"The picture has more than {self.pixels / 1e6:g} million pixels.")

    def _refusal_of(self, frames: int) -> SourceTooLarge:
        return _too_long(
            f"has more than {self.pixels / 1e6:g} million pixels in its {frames} frames"
        )


def _too_long(what: str) -> SourceTooLarge:
    """A refusal that says what can be had of the animation all the same."""
    return SourceTooLarge(
        f'The animation {what}; `"animation": "first"` takes the first frame alone.'
    )


class Engine(Protocol):
    """A library that decodes, resizes and encodes pictures. It runs in a child process.

    Every engine passes `tests/unit/services/process/image/test_engines.py`.

    Attributes:
        name: library and version, as results show it.
        formats: what it can write on this machine.
        animates: whether it can keep all frames of an animation.
    """

    name: str
    formats: frozenset[Format]
    animates: bool

    def render(
        self, source: Path, wishes: Sequence[Wish], directory: Path, threads: int = 1
    ) -> tuple[Rendered, ...]:
        """Make every wish of the file `source` true as a new file in `directory`.

        Orientation is applied and colours become sRGB. The first frame or page counts, but for
        targets that move. The same source, wishes, engine and versions give the same bytes,
        on however many threads.

        Args:
            threads: the most outputs that may be encoded at the same time, where so many children
                are idle.

        Raises:
            UnsupportedMedia: not a picture, or not in a format that the engine reads; nothing has
                been written then, so that another engine can try.
            CorruptMedia: damaged or cut short.
            SourceTooLarge: more pixels than the engine's limits allow.
        """
        ...
