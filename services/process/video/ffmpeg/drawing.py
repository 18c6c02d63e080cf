"""A drawing of sound over time: what ffmpeg is told. Pure.

It is made of samples that were written before. Where a track changes its channels, ffmpeg makes
all filters anew, and the one that draws would begin another drawing.
"""

from dataclasses import dataclass
from pathlib import Path

from services.process.video.ffmpeg.command import ALWAYS, png

BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """How loudness is drawn.

    Attributes:
        width, height: pixels.
        left, right: the columns between which there is sound.
        colour: `RRGGBB`, on nothing.
    """

    width: int
    height: int
    left: int
    right: int
    colour: str


def samples(file: Path, rate: int) -> tuple[str, ...]:
    """Options of an output of one channel that is plain samples of 16 bits, `rate` in a second."""
    return ("-c:a", "pcm_s16le", "-ar", str(rate), "-f", "s16le", f"file:{file}")


def drawn(file: Path, rate: int, drawing: Drawing, target: Path) -> tuple[str, ...]:
    """Arguments that draw such samples, as a PNG."""
    size = f"{drawing.right - drawing.left}x{drawing.height}"
    # Silence is drawn as nothing, and so is the time in which there is no sound.
    placed = f"pad={drawing.width}:{drawing.height}:{drawing.left}:0:black@0"
    return (
        *ALWAYS,
        *("-f", "s16le", "-ac", "1", "-ar", str(rate), "-i", f"file:{file}"),
        "-filter_complex",
        f"showwavespic=s={size}:colors=0x{drawing.colour}:scale=sqrt,{placed}",
        *("-frames:v", "1", *png(target)),
    )
