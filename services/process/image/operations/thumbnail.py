"""`thumbnail`: a small square that the photo fills."""

from services.process.image.look import Fit
from services.process.image.operations.encoded import Animation
from services.process.image.operations.picture import Side
from services.process.image.operations.quality import Quality
from services.process.image.operations.resize import Resize


class Thumbnail(Resize):
    """A 150×150 WebP, cut to the middle; every parameter of `resize` can change that."""

    width: Side | None = 150
    height: Side | None = 150
    fit: Fit = "cover"
    quality: Quality = 70
    animation: Animation = "first"
