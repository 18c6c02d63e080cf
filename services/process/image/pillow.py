"""The reference engine: Pillow."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import PIL
from PIL import ExifTags, Image, ImageFilter, UnidentifiedImageError

from services.process.image.colour import eight_bit, srgb
from services.process.image.engine import Format, Limits, Rendered, Target
from services.process.image.geometry import GAP, LYING, Placement, Shape, largest_frame, shapes
from services.process.image.output import write
from shared.errors import CorruptMedia, MillraceError, UnsupportedMedia

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "HEIF")

_UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_ENCODER: dict[Format, dict[str, Any]] = {
    "webp": {"method": 2},
    "avif": {"speed": 9, "subsampling": "4:2:0", "max_threads": 1, "autotiling": False},
    "jpeg": {"progressive": True, "optimize": True},
    "png": {},
}


class Pillow:
    """Decodes once, makes each size from the next larger one, encodes each in its formats."""

    name = f"pillow {PIL.__version__}"

    def __init__(self, limits: Limits) -> None:
        """Loads all codecs, so that the first picture does not wait for them."""
        _load_codecs()
        self._limits = limits

    def render(
        self, source: Path, targets: Sequence[Target], directory: Path
    ) -> tuple[Rendered, ...]:
        """See `Engine.render`."""
        made: dict[Target, Rendered] = {}
        with _opened(source, self._limits) as image:
            orientation = _orientation(image)
            groups = shapes(*_upright_size(image, orientation), targets)
            profile = image.info.get("icc_profile")
            pixels = _decoded(image, [_stored(shape[0], orientation) for shape in groups])
        for shape, small in _cascade(pixels, groups, orientation):
            finished = _finished(small, shape[1], orientation, profile)
            for target in groups[shape]:
                data = _encoded(finished, target)
                made[target] = write(data, target, finished.size, self.name, directory)
        return tuple(made[target] for target in targets)


def _load_codecs() -> None:
    Image.init()
    if find_spec("pillow_heif"):  # the extra `heif`
        import_module("pillow_heif").register_heif_opener()


def _known_formats() -> list[str]:
    return [name for name in FORMATS if name in Image.OPEN]


@contextmanager
def _opened(source: Path, limits: Limits) -> Iterator[Image.Image]:
    """The picture with only its header read."""
    Image.MAX_IMAGE_PIXELS = limits.pixels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _blaming_the_file(limits), Image.open(source, formats=_known_formats()) as image:
            limits.check(*image.size)
            yield image


@contextmanager
def _blaming_the_file(limits: Limits) -> Iterator[None]:
    """Decoders raise many an error on a damaged file; only the system's own errors are not its."""
    try:
        yield
    except (MemoryError, MillraceError):
        raise
    except UnidentifiedImageError:
        raise UnsupportedMedia(
            f"The file is no picture in a known format ({', '.join(_known_formats())})."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise limits.refusal from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CorruptMedia(f"The picture is damaged: {error}") from None


def _orientation(image: Image.Image) -> int:
    """By EXIF alone, as browsers do; Pillow would ask XMP as well."""
    for name in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(name, None)
    orientation: int = image.getexif().get(ExifTags.Base.Orientation, 1)
    return orientation


def _upright_size(image: Image.Image, orientation: int) -> tuple[int, int]:
    return image.size[::-1] if orientation in LYING else image.size


def _stored(placement: Placement, orientation: int) -> Placement:
    """`placement` in the direction in which the file stores its pixels."""
    return placement.turned() if orientation in LYING else placement


@dataclass(frozen=True, slots=True)
class _Layer:
    """The whole picture at one size.

    Attributes:
        extent: width and height that the picture takes of the image, in pixels: a decoder that
            shrinks rounds up, and its last row or column then holds less than a pixel's worth.
    """

    image: Image.Image
    extent: tuple[float, float]

    def suffices(self, placement: Placement) -> bool:
        """Whether `placement` can be made from this without loss."""
        width, height = placement.frame
        return self.has(placement) or (
            self.extent[0] >= GAP * width and self.extent[1] >= GAP * height
        )

    def has(self, placement: Placement) -> bool:
        """Whether this already is what `placement` asks for."""
        return placement.whole and self.extent == (placement.width, placement.height)

    def resized(self, placement: Placement) -> Image.Image:
        if self.has(placement):
            return self.image
        size, box = (placement.width, placement.height), placement.box(*self.extent)
        return self.image.resize(size, Image.Resampling.LANCZOS, box=box)


def _decoded(image: Image.Image, placements: Sequence[Placement]) -> _Layer:
    """The pixels, no more of them than the largest placement needs where the decoder can shrink."""
    widest, highest = largest_frame(placements)
    draft = image.draft(None, (int(widest * GAP), int(highest * GAP)))
    image.load()
    return _Layer(eight_bit(image), draft[1][2:] if draft else image.size)


def _cascade(
    decoded: _Layer, groups: dict[Shape, list[Target]], orientation: int
) -> Iterator[tuple[Shape, Image.Image]]:
    """Each shape with its resized picture, still lying and coloured as in the file."""
    larger = [decoded]
    for shape in groups:
        placement = _stored(shape[0], orientation)
        origins = (layer for layer in reversed(larger) if layer.suffices(placement))
        small = next(origins, decoded).resized(placement)
        if placement.whole:
            larger.append(_Layer(small, small.size))
        yield shape, small


def _finished(
    image: Image.Image, blur: float, orientation: int, profile: bytes | None
) -> Image.Image:
    """Upright, in sRGB, blurred, and without anything beside its pixels."""
    upright = image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image
    coloured = srgb(upright, profile)
    blurred = _blurred(coloured, blur) if blur else coloured.copy()
    blurred.info = {}
    return blurred


def _blurred(image: Image.Image, radius: float) -> Image.Image:
    if image.mode != "RGBA":
        return image.filter(ImageFilter.GaussianBlur(radius))
    premultiplied = image.convert("RGBa").filter(ImageFilter.GaussianBlur(radius))
    return premultiplied.convert("RGBA")


def _encoded(image: Image.Image, target: Target) -> bytes:
    buffer = io.BytesIO()
    carried = image if target.has_alpha else _on_white(image)
    carried.save(buffer, target.format, quality=target.quality, **_ENCODER[target.format])
    return buffer.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
