"""`quality: "auto"`: the lowest quality whose file still looks as good as asked. Needs numpy."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image

from services.process.image.engine import HALVED, Target
from shared.errors import UnsupportedMedia

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST, HIGHEST = 32, 95  # 64 qualities, so that six tries find the one
_GREY = (128, 128, 128)

Encode = Callable[[Target], bytes]


def require_metric() -> None:
    """Raise `UnsupportedMedia` where pictures cannot be compared, for numpy is not installed."""
    try:
        import services.process.image.encoding.ssimulacra2  # noqa: F401
    except ImportError as error:
        raise UnsupportedMedia(
            "quality: 'auto' needs numpy (the extra `auto`), which is not installed here"
        ) from error


def lowest(target: Target, encode: Encode) -> tuple[Target, float]:
    """`target` with the lowest quality that reaches its `least_score`, and the score that it has.

    Where none does, the colours keep their resolution: it is that which a small picture lacks. If
    even that does not, the best of all. It takes no more than 14 tries.

    Raises:
        UnsupportedMedia: numpy is not installed.
    """
    require_metric()
    from services.process.image.encoding.ssimulacra2 import Original

    original = Original(_pixels(encode(_without_loss(target))))

    @cache
    def score(tried: Target) -> float:
        return original.score(_pixels(encode(tried)))

    found = _lowest(target, score)
    if score(found) < (target.least_score or 0.0) and target.format in HALVED:
        found = max(found, _lowest(replace(target, full_colour=True), score), key=score)
    return found, score(found)


def _lowest(target: Target, score: Callable[[Target], float]) -> Target:
    """With the lowest quality that reaches `least_score`; the highest if none does."""
    least = target.least_score or 0.0
    low, high = (HIGHEST, HIGHEST) if target.is_lossless else (LOWEST, HIGHEST)
    while low < high:
        middle = (low + high) // 2
        reached = score(replace(target, quality=middle)) >= least
        low, high = (low, middle) if reached else (middle + 1, high)
    return replace(target, quality=low)


def _without_loss(target: Target) -> Target:
    """The same pixels as PNG, on the same ground."""
    return replace(target, format="png", effort="fast", background=target.ground)


def _pixels(data: bytes) -> "NDArray[np.uint8]":
    """The picture as three channels; what is transparent still lies on grey."""
    import numpy as np

    with Image.open(io.BytesIO(data)) as image:
        if image.mode != "RGB":
            ground = Image.new("RGBA", image.size, _GREY)
            return np.asarray(Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB"))
        return np.asarray(image)
