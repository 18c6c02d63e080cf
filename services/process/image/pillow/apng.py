"""The parts of an animated PNG, decoded by Pillow.

Pillow would put them together as well. But where each frame is loaded in turn it forgets what was
there before the last one, and it lays one over another without adding up their alpha.
"""

from collections.abc import Iterator

from PIL import PngImagePlugin
from PIL.PngImagePlugin import Blend

from services.process.image.pillow.canvas import Disposal, Part
from services.process.image.pillow.colour import eight_bit

_DISPOSALS = {one.value: one for one in Disposal}


def parts(image: PngImagePlugin.PngImageFile, numbers: range) -> Iterator[Part]:
    """Those of these frames; for every `numbers` all frames before them have been decoded."""
    for number in numbers:
        image.seek(number)
        image.dispose_op, image.blend_op = PngImagePlugin.Disposal.OP_NONE, Blend.OP_SOURCE
        image.load()
        box, told = image.info["bbox"], image.info
        yield Part(
            eight_bit(image.crop(box)).convert("RGBA"),
            box[:2],
            told["blend"] == Blend.OP_OVER,
            _DISPOSALS.get(told["disposal"], Disposal.NONE),
            told["duration"],
        )
