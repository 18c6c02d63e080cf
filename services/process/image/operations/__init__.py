"""The operations on photos. A new one is a file here and a line below."""

from services.process.image.operations.blur import Blur
from services.process.image.operations.low_quality import LowQuality
from services.process.image.operations.picture import Picture
from services.process.image.operations.resize import Resize
from services.process.image.operations.thumbnail import Thumbnail
from services.process.plan import Catalogue
from shared.jobs import Operation

_WEB_QUALITY_OF_WIDTH = {640: 80, 1024: 85, 1920: 90}

WEB = (
    *(
        Operation.model_validate(
            {
                "op": "resize",
                "name": f"w{width}",
                "width": width,
                "formats": ("webp", "avif"),
                "quality": quality,
            }
        )
        for width, quality in _WEB_QUALITY_OF_WIDTH.items()
    ),
    Operation(op="thumbnail"),
)

PHOTOS: Catalogue[Picture] = Catalogue(
    noun="photo",
    recipes={
        "blur": Blur,
        "low-quality": LowQuality,
        "resize": Resize,
        "thumbnail": Thumbnail,
    },
    presets={"web": WEB},
    default="web",
)
