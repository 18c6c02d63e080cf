"""The arithmetic on pixels by the GPU, and by Pillow where the GPU cannot or fails."""

from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import ValidationError

from services.process.image.geometry import Size
from services.process.image.gpu.line import Line
from services.process.image.gpu.wire import Answer, Blur, Decode, Resize
from services.process.image.pillow.raster import Box, PillowRaster

_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}
_WITH_ALPHA = ("LA", "RGBA")
_DECODED = ("L", "RGB")
_END_OF_JPEG = b"\xff\xd9"


class GpuRaster:
    """See `Raster`: the same pixels as Pillow's, but for decoding, which differs by rounding."""

    def __init__(self, line: Line, *, decodes: bool) -> None:
        self._line = line
        self._decodes = decodes
        self._pillow = PillowRaster()

    def decoded(self, image: Image.Image) -> Image.Image | None:
        """See `Raster.decoded`. A file without an end is left to Pillow, which refuses it."""
        if not self._decodes or image.format != "JPEG" or image.mode not in _DECODED:
            return None
        data = Path(image.filename).read_bytes()  # type: ignore[attr-defined]
        made = self._line.ask(Decode(size=len(data)), data) if _ends(data) else None
        if made is None or (made[0].width, made[0].height) != image.size:
            return None
        self._line.use.decoded_by = made[0].by
        return _image("RGB", made).convert(image.mode)

    def resized(self, image: Image.Image, size: Size, box: Box) -> Image.Image:
        """See `Raster.resized`."""
        left, top, right, bottom = map(float, box)
        edges = {"left": left, "top": top, "right": right, "bottom": bottom}
        made = self._asked(Resize, image, columns=size[0], rows=size[1], **edges)
        return made or self._pillow.resized(image, size, box)

    def blurred(self, image: Image.Image, sigma: float) -> Image.Image:
        """See `Raster.blurred`."""
        return self._asked(Blur, image, sigma=sigma) or self._pillow.blurred(image, sigma)

    def _asked(
        self, kind: type[Resize | Blur], image: Image.Image, **what: Any
    ) -> Image.Image | None:
        try:
            question = kind(
                width=image.width,
                height=image.height,
                channels=_CHANNELS[image.mode],
                alpha=image.mode in _WITH_ALPHA,
                **what,
            )
        except ValidationError:  # a side is too long for the wire, say: nothing for the GPU
            return None
        if (made := self._line.ask(question, image.tobytes())) is None:
            return None
        self._line.use.by = made[0].by
        return _image(image.mode, made)


def _ends(data: bytes) -> bool:
    """Whether a JPEG file is whole, as far as its end tells."""
    return _END_OF_JPEG in data[-64:]


def _image(mode: str, made: tuple[Answer, bytes]) -> Image.Image:
    answer, pixels = made
    return Image.frombytes(mode, (answer.width, answer.height), pixels)
