"""The test that a device has to pass before any picture is given to it."""

import numpy as np
from PIL import Image, ImageFilter

from services.process.image.gpu.arithmetic import ALPHA
from services.process.image.gpu.device import Device
from services.process.image.gpu.kernels import Frame, blurred, resized
from shared.errors import EngineUnavailable

_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_PREMULTIPLIED = {"LA": "La", "RGBA": "RGBa"}
_SIZE = (211, 163)
_SIZES = ((97, 75), (64, 64), (150, 30), (300, 200))
_BOX = (10.25, 3.1, 190.7, 160.0)
_SIGMAS = (0.7, 8.0)


def prove(device: Device) -> None:
    """Return if the device gives the pixels that the installed Pillow gives.

    Raises:
        EngineUnavailable: it does not, or it fails.
    """
    try:
        wrong = [what for what, same in _comparisons(device) if not same]
    except Exception as error:
        raise EngineUnavailable(f"the GPU fails: {type(error).__name__}: {error}") from error
    if wrong:
        raise EngineUnavailable(f"the GPU gives other pixels than Pillow: {', '.join(wrong)}")


def _comparisons(device: Device) -> list[tuple[str, bool]]:
    return [
        one
        for mode in _CHANNELS
        for image in [_noise(mode)]
        for one in (*_resizes(device, image), *_blurs(device, image))
    ]


def _noise(mode: str) -> Image.Image:
    """The hardest picture there is, with every alpha."""
    size = _SIZE[0] * _SIZE[1] * _CHANNELS[mode]
    return Image.frombytes(mode, _SIZE, np.random.default_rng(1).bytes(size))


def _resizes(device: Device, image: Image.Image) -> list[tuple[str, bool]]:
    compared = []
    for size in _SIZES:
        for box in (None, _BOX):
            expected = image.resize(size, Image.Resampling.LANCZOS, box)
            made = resized(_frame(device, image), size, box=box)
            what = f"{image.mode} resized to {size[0]}×{size[1]}"
            compared.append((what, _same(made, expected)))
    return compared


def _blurs(device: Device, image: Image.Image) -> list[tuple[str, bool]]:
    compared = []
    weighted = image.convert(_PREMULTIPLIED.get(image.mode, image.mode))
    for sigma in _SIGMAS:
        expected = weighted.filter(ImageFilter.GaussianBlur(sigma)).convert(image.mode)
        made = blurred(_frame(device, image), sigma)
        compared.append((f"{image.mode} blurred by {sigma:g}", _same(made, expected)))
    return compared


def _frame(device: Device, image: Image.Image) -> Frame:
    channels = _CHANNELS[image.mode]
    memory = device.put(np.frombuffer(image.tobytes(), np.uint8))
    return Frame(device, memory, *image.size, channels, channels in ALPHA)


def _same(made: Frame, expected: Image.Image) -> bool:
    return made.device.get(made.memory).tobytes() == expected.tobytes()
