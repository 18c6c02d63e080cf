"""An animation's frames as they are seen: each is drawn onto what the ones before it left.

As APNG's specification (PNG, third edition, 13.2) has it, and as browsers show GIF too: the canvas
begins transparent, and a part that is cleared becomes so, whatever colour a GIF calls background.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from PIL import Image

_CLEAR = (0, 0, 0, 0)


class Disposal(IntEnum):
    """What becomes of a frame's part of the canvas before the next; the numbers are APNG's."""

    NONE = 0
    CLEARED = 1
    AS_BEFORE = 2


@dataclass(frozen=True, slots=True)
class Part:
    """What one frame brings.

    Attributes:
        image: RGBA.
        at: where its top left corner lies; what sticks out of the canvas is left away.
        over: whether it is laid over what is there; else it takes that place.
        milliseconds: how long it is shown, as the file says it.
    """

    image: Image.Image
    at: tuple[int, int]
    over: bool
    disposal: Disposal
    milliseconds: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        (left, top), (width, height) = self.at, self.image.size
        return left, top, left + width, top + height


def composed(size: tuple[int, int], parts: Iterable[Part]) -> Iterator[tuple[Image.Image, float]]:
    """Each frame whole, RGBA of `size`, with its milliseconds."""
    canvas = Image.new("RGBA", size, _CLEAR)
    for part in parts:
        before = canvas.copy() if part.disposal is Disposal.AS_BEFORE else None
        _draw(canvas, part)
        yield canvas.copy(), part.milliseconds
        if part.disposal is Disposal.CLEARED:
            canvas.paste(_CLEAR, part.box)
        canvas = before or canvas


def _draw(canvas: Image.Image, part: Part) -> None:
    shown = part.image
    if part.over:
        shown = Image.alpha_composite(canvas.crop(part.box), shown)
    canvas.paste(shown, part.box)
