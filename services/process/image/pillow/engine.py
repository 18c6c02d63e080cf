"""The reference engine: Pillow."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from services.process.image.engine import Limits, Rendered, Wish
from services.process.image.output import Outputs
from services.process.image.pillow import misread
from services.process.image.pillow.codecs import VERSION, load_codecs, readable, versions, writable
from services.process.image.pillow.picture import Picture
from services.process.image.pillow.raster import PillowRaster, Raster
from services.process.image.recipe import Recipes
from services.process.image.source import jxl, tiff
from shared.errors import CorruptMedia, MillraceError, UnsupportedMedia


class Pillow:
    """Decodes once, makes each size from the next larger one, encodes each in its formats."""

    name = VERSION
    animates = True

    def __init__(self, limits: Limits, raster: Raster | None = None) -> None:
        """Loads all codecs, so that the first picture does not wait for them.

        Args:
            raster: who computes pixels in Pillow's place.
        """
        load_codecs()
        self.formats = writable()
        self._versions = versions()
        self._limits = limits
        self._raster = raster or PillowRaster()

    def render(
        self, source: Path, wishes: Sequence[Wish], directory: Path, threads: int = 1
    ) -> tuple[Rendered, ...]:
        """See `Engine.render`. The reference is kept simple: one thread does all."""
        recipes = Recipes.of(wishes, self._versions, self._limits.watermarks)
        outputs = Outputs(self.name, recipes, source, directory, self._limits)
        with _opened(source, self._limits) as image:
            made = Picture.of(image, outputs, self._raster).made(wishes)
        return tuple(made[wish] for wish in wishes)


@contextmanager
def _opened(source: Path, limits: Limits) -> Iterator[Image.Image]:
    """The picture with only its header read."""
    Image.MAX_IMAGE_PIXELS = limits.pixels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _blaming_the_file(source, limits):
            if size := jxl.size_of(source):
                limits.check(*size)  # its plugin decodes all as it opens it
            with Image.open(source, formats=readable()) as image:
                limits.check(*image.size)
                misread.refuse(image)
                yield image


@contextmanager
def _blaming_the_file(source: Path, limits: Limits) -> Iterator[None]:
    """Decoders raise many an error on a damaged file; only the system's own errors are not its."""
    try:
        yield
    except (MemoryError, MillraceError):
        raise
    except UnidentifiedImageError:
        if samples := tiff.samples_of(source):
            raise UnsupportedMedia(f"The TIFF is of a rare kind: {samples}.") from None
        raise UnsupportedMedia(
            f"The file is no picture in a known format ({', '.join(readable())})."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise limits.refusal from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if "unsupported" in str(error).lower():
            raise UnsupportedMedia(f"The picture is of a rare kind: {error}") from None
        raise CorruptMedia(f"The picture is damaged: {error}") from None
