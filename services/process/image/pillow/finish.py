"""What is done with Pillow to a picture that has its scale."""

from pathlib import Path

from PIL import Image

from services.process.image.engine import Pixels
from services.process.image.geometry import Finish, Size
from services.process.image.look import Watermark
from services.process.image.pillow.attention import CELLS, attention
from services.process.image.pillow.raster import Raster
from services.process.image.watermark import mark

Part = tuple[int, int, int, int]

_UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turned and mirrored as the EXIF orientation says."""
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def kept(image: Image.Image, size: Size | None) -> Part | None:
    """The part of this size that draws most attention; None for all of it."""
    if size is None or image.size == size:
        return None
    width, height = min(size[0], image.width), min(size[1], image.height)
    across, down = attention(pixels(image.resize((CELLS, CELLS), Image.Resampling.BOX)))
    left = _begin(across * image.width, width, image.width)
    top = _begin(down * image.height, height, image.height)
    return left, top, left + width, top + height


def _begin(middle: float, extent: int, side: int) -> int:
    return min(max(0, round(middle - extent / 2)), side - extent)


def finished(
    image: Image.Image,
    finish: Finish,
    watermarks: Path | None,
    part: Part | None,
    raster: Raster,
) -> Image.Image:
    """`image` (upright, in sRGB) as `finish` says, of which `part` is kept, and nothing beside it."""
    done = image.crop(part)
    if finish.blur:
        done = raster.blurred(done, finish.blur)
    if finish.canvas and finish.canvas != done.size:
        done = _filled_up(done, finish.canvas)
    if finish.watermark:
        done = _marked(done, finish.watermark, watermarks)
    done.info = {}
    return done


def _filled_up(image: Image.Image, canvas: Size) -> Image.Image:
    filled = Image.new("RGBA", canvas)
    filled.paste(image, ((canvas[0] - image.width) // 2, (canvas[1] - image.height) // 2))
    return filled


def _marked(image: Image.Image, watermark: Watermark, watermarks: Path | None) -> Image.Image:
    over, at = mark(watermark, watermarks, image.size)
    ground = image.convert("RGBA")
    ground.alpha_composite(Image.frombytes("RGBA", (over.width, over.height), over.rgba), at)
    return ground if image.mode == "RGBA" else ground.convert("RGB")


def pixels(image: Image.Image) -> Pixels:
    """All of them, as readers are shown them."""
    return Pixels(*image.size, image.convert("RGBA").tobytes())
