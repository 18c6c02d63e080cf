"""What is done with libvips to a picture that has its scale."""

from collections.abc import Callable
from pathlib import Path

import pyvips

from services.process.image.geometry import Finish, Size
from services.process.image.look import Watermark
from services.process.image.watermark import mark

_FAINTEST = 0.01  # of a Gaussian's height; libvips would cut it off at 0.2: 8 pixels would be 6.6


def finished(image: pyvips.Image, finish: Finish, watermarks: Path | None) -> pyvips.Image:
    """`image` (upright, in sRGB) as `finish` says, in memory."""
    done = image
    if finish.keep:
        done = _kept(done, finish.keep)
    if finish.blur:
        done = weighted(done, lambda pixels: pixels.gaussblur(finish.blur, min_ampl=_FAINTEST))
    if finish.canvas and finish.canvas != (done.width, done.height):
        done = _filled_up(done, finish.canvas)
    if finish.watermark:
        done = _marked(done, finish.watermark, watermarks)
    return done.copy_memory()


def weighted(image: pyvips.Image, change: Callable[[pyvips.Image], pyvips.Image]) -> pyvips.Image:
    """`change` of the image, in which what is transparent has no colour."""
    if not image.hasalpha():
        return change(image)
    return change(image.premultiply()).unpremultiply().rint().cast(image.format)


def _kept(image: pyvips.Image, size: Size) -> pyvips.Image:
    """The part that draws most attention, by the measure that smartcrop has by itself."""
    width, height = min(size[0], image.width), min(size[1], image.height)
    return image.smartcrop(width, height)


def _filled_up(image: pyvips.Image, canvas: Size) -> pyvips.Image:
    """In the middle of a canvas that is transparent: of zeros."""
    whole = image if image.hasalpha() else image.bandjoin(255)
    return whole.gravity("centre", *canvas)


def _marked(image: pyvips.Image, watermark: Watermark, watermarks: Path | None) -> pyvips.Image:
    over, (left, top) = mark(watermark, watermarks, (image.width, image.height))
    layer = pyvips.Image.new_from_memory(over.rgba, over.width, over.height, 4, "uchar")
    layer = layer.copy(interpretation="srgb")
    done = image.composite2(layer, "over", x=left, y=top)
    return done if image.hasalpha() else done.extract_band(0, n=3)
