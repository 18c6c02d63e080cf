"""Pictures that libvips has finished."""

import pyvips

from services.process.image.geometry import Finish
from services.process.image.vips.finish import finished


def test_finished_picture_is_in_memory() -> None:
    """It is computed once, whatever is made of it then: its source may go."""
    pixels = bytearray(range(250)) * 12
    image = pyvips.Image.new_from_memory(pixels, 40, 25, 3, "uchar").copy(interpretation="srgb")
    done = finished(image, Finish(blur=2.0), None)
    before = done.write_to_memory()
    pixels[:] = bytes(len(pixels))
    assert done.write_to_memory() == before
