"""The operations on photos. A new one is a file here and a line below."""

from services.process.image.operations.blur import Blur
from services.process.image.operations.blurhash import BlurHashed
from services.process.image.operations.convert import Convert
from services.process.image.operations.crop import Crop
from services.process.image.operations.low_quality import LowQuality
from services.process.image.operations.metadata import Facts
from services.process.image.operations.palette import Colours
from services.process.image.operations.picture import Picture
from services.process.image.operations.presets import PRESETS
from services.process.image.operations.resize import Resize
from services.process.image.operations.srcset import Srcset
from services.process.image.operations.thumbhash import ThumbHashed
from services.process.image.operations.thumbnail import Thumbnail
from services.process.image.operations.watermark import Watermarked
from services.process.plan import Catalogue

PHOTOS: Catalogue[Picture] = Catalogue(
    noun="photo",
    recipes={
        "blur": Blur,
        "blurhash": BlurHashed,
        "convert": Convert,
        "crop": Crop,
        "low-quality": LowQuality,
        "metadata": Facts,
        "palette": Colours,
        "resize": Resize,
        "srcset": Srcset,
        "thumbhash": ThumbHashed,
        "thumbnail": Thumbnail,
        "watermark": Watermarked,
    },
    presets=PRESETS,
    default="web",
)
