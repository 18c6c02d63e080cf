"""A picture at falling sizes, each made with libvips from the next larger one."""

from collections.abc import Sequence

import pyvips

from services.process.image.geometry import Placement, largest_frame, origins
from services.process.image.vips_finish import weighted


def held(pixels: pyvips.Image, placements: Sequence[Placement]) -> pyvips.Image:
    """What all placements are made from, in memory: the whole picture as large as any needs it.

    Where there is but one, no more than it shows. All rows are read in any case, for a file that
    is damaged anywhere is refused.
    """
    widest, highest = largest_frame(placements)
    whole = resized(pixels, Placement(round(widest), round(highest)))
    lone = placements[0]
    if len(placements) > 1 or _has_size(whole, lone):
        return whole.copy_memory()
    scaled = _scaled(whole, lone)
    left, top, width, height = _part(scaled, lone)
    columns = scaled.crop(left, 0, width, scaled.height).copy_memory()
    return columns.crop(0, top, width, height).copy_memory()


class Cascade:
    """A picture for each placement, still lying and coloured as in the file."""

    def __init__(self, base: pyvips.Image, placements: Sequence[Placement]) -> None:
        """`base` as `held` gives it for them."""
        self._placements = placements
        self._origins = origins(placements)
        self._made: dict[int | None, pyvips.Image] = {None: base}

    def picture(self, number: int) -> pyvips.Image:
        """That of the placement there, in memory. To be asked for in their order.

        It is kept here only where others will be made from it.
        """
        origin = self._made[self._origins[number]]
        small = resized(origin, self._placements[number]).copy_memory()
        if number in self._origins:
            self._made[number] = small
        return small


def resized(image: pyvips.Image, placement: Placement) -> pyvips.Image:
    """What `placement` shows of the whole picture `image`; `image` itself if that is so large."""
    if _has_size(image, placement):
        return image
    scaled = _scaled(image, placement)
    return scaled if placement.whole else scaled.crop(*_part(scaled, placement))


def _has_size(image: pyvips.Image, placement: Placement) -> bool:
    return (image.width, image.height) == (placement.width, placement.height)


def _scaled(image: pyvips.Image, placement: Placement) -> pyvips.Image:
    """The whole picture at the placement's scale."""
    across, down = placement.frame[0] / image.width, placement.frame[1] / image.height
    return weighted(image, lambda pixels: pixels.resize(across, vscale=down))


def _part(whole: pyvips.Image, placement: Placement) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is shown."""
    width, height = placement.frame
    left = min(round(placement.left * width), whole.width - placement.width)
    top = min(round(placement.top * height), whole.height - placement.height)
    return max(0, left), max(0, top), placement.width, placement.height
