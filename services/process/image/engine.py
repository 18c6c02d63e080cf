"""What an image engine is asked, and what it answers. Pure values, so they travel to children."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from shared.errors import SourceTooLarge

Format = Literal["webp", "avif", "jpeg", "png"]
Fit = Literal["inside", "outside", "cover"]

EXTENSIONS: dict[Format, str] = {"webp": "webp", "avif": "avif", "jpeg": "jpg", "png": "png"}


@dataclass(frozen=True, slots=True)
class Target:
    """One output file that is wanted of a picture.

    A picture is never enlarged: where it is smaller than asked, so is the output.

    Attributes:
        name: the file's name without its extension.
        width, height: the box to fit, in pixels; where one is None, that side follows.
        fit: `inside` the box; just `outside` it; or `cover`: fill it, cut what sticks out.
        blur: standard deviation of a Gaussian blur, in pixels of the output; 0 for none.
        quality: 1 to 100; has no meaning for PNG.
    """

    name: str
    format: Format = "webp"
    width: int | None = None
    height: int | None = None
    fit: Fit = "inside"
    blur: float = 0.0
    quality: int = 80

    @property
    def extension(self) -> str:
        """The usual file name extension of the format, without a dot."""
        return EXTENSIONS[self.format]

    @property
    def file(self) -> str:
        """The name of the file that is made."""
        return f"{self.name}.{self.extension}"

    @property
    def has_alpha(self) -> bool:
        """Whether the format can be transparent."""
        return self.format != "jpeg"

    @property
    def media_type(self) -> str:
        """The format's media type."""
        return f"image/{self.format}"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One output file that was made.

    Attributes:
        target: what was asked for.
        width, height: pixels.
        size: bytes.
        sha256: hex digest of the file.
        engine: who made it, with version (`pillow 13.0.0`).
    """

    target: Target
    width: int
    height: int
    size: int
    sha256: str
    engine: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an engine may take on.

    Attributes:
        pixels: the most that a source may have, width times height.
    """

    pixels: int

    def check(self, width: int, height: int) -> None:
        """Raise `SourceTooLarge` for a source of more pixels."""
        if width * height > self.pixels:
            raise self.refusal

    @property
    def refusal(self) -> SourceTooLarge:
        """What is said to a source of more pixels."""
        return SourceTooLarge(f"The picture has more than {self.pixels / 1e6:g} million pixels.")


class Engine(Protocol):
    """A library that decodes, resizes and encodes pictures. It runs in a child process.

    Every engine passes `tests/unit/services/process/image/test_engines.py`.

    Attributes:
        name: library and version, as results show it.
    """

    name: str

    def render(
        self, source: Path, targets: Sequence[Target], directory: Path
    ) -> tuple[Rendered, ...]:
        """Make every target from the file `source` as a new file in `directory`.

        The first frame counts. Orientation is applied, colours become sRGB, metadata go;
        transparency stays where the format has it and else becomes white.

        Raises:
            UnsupportedMedia: not a picture, or not in a format that the engine reads.
            CorruptMedia: damaged or cut short.
            SourceTooLarge: more pixels than the engine's limits allow.
        """
        ...
