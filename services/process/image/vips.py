"""The engine on libvips: streams what it can, so that a picture takes a fraction of the memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyvips

from services.process.image.engine import Format, Limits, Rendered, Target
from services.process.image.geometry import GAP, LYING, Placement, Shape, largest_frame, shapes
from services.process.image.output import write
from shared.errors import CorruptMedia, UnsupportedMedia

LOADERS = ("Jpeg", "Png", "Webp", "Heif", "Nsgif")

_SAVER: dict[Format, tuple[str, dict[str, Any]]] = {
    "webp": ("webpsave_buffer", {"effort": 2}),
    "avif": ("heifsave_buffer", {"effort": 0, "compression": "av1", "subsample_mode": "on"}),
    "jpeg": ("jpegsave_buffer", {"interlace": True, "optimize_coding": True}),
    "png": ("pngsave_buffer", {}),
}


class Vips:
    """Decodes once, makes each size from the next larger one, encodes each in its formats."""

    name = f"vips {pyvips.version(0)}.{pyvips.version(1)}.{pyvips.version(2)}"

    def __init__(self, limits: Limits) -> None:
        """Lets libvips open no other formats than `LOADERS`, and keep nothing between pictures."""
        pyvips.cache_set_max(0)
        pyvips.operation_block_set("VipsForeignLoad", True)
        for loader in LOADERS:
            pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
        self._limits = limits

    def render(
        self, source: Path, targets: Sequence[Target], directory: Path
    ) -> tuple[Rendered, ...]:
        """See `Engine.render`."""
        made: dict[Target, Rendered] = {}
        image = _opened(source, self._limits)
        orientation = image.get("orientation") if image.get_typeof("orientation") else 1
        lying = orientation in LYING
        size = (image.height, image.width) if lying else (image.width, image.height)
        groups = shapes(*size, targets)
        placements = [shape[0].turned() if lying else shape[0] for shape in groups]
        pixels = _shrunk_by_decoder(image, source, placements)
        with _blaming_the_file():
            smalls = list(_cascade(pixels, groups, placements))
        for shape, small in smalls:
            finished = _finished(small, shape[1])
            for target in groups[shape]:
                data = _encoded(finished, target)
                size = (finished.width, finished.height)
                made[target] = write(data, target, size, self.name, directory)
        return tuple(made[target] for target in targets)


@contextmanager
def _blaming_the_file() -> Iterator[None]:
    try:
        yield
    except pyvips.Error as error:
        raise CorruptMedia(f"The picture is damaged: {_reason(error)}") from None


def _reason(error: pyvips.Error) -> str:
    return str(error.detail).strip().splitlines()[-1] if error.detail else error.message


def _opened(source: Path, limits: Limits) -> pyvips.Image:
    """The picture with only its header read."""
    try:
        image = _load(source)
    except pyvips.Error as error:
        if "not a known file format" in str(error):
            raise UnsupportedMedia(
                f"The file is no picture in a known format ({', '.join(LOADERS)})."
            ) from None
        raise CorruptMedia(f"The picture is damaged: {_reason(error)}") from None
    if image.get_typeof("heif-compression") and image.get("heif-compression") != "av1":
        raise UnsupportedMedia("The file is a HEIF picture in another format than AVIF.")
    limits.check(image.width, image.height)
    return image


def _load(source: Path, **options: Any) -> pyvips.Image:
    return pyvips.Image.new_from_file(str(source), access="sequential", fail_on="error", **options)


def _shrunk_by_decoder(
    image: pyvips.Image, source: Path, placements: Sequence[Placement]
) -> pyvips.Image:
    """No more pixels than the largest placement needs, where the decoder can shrink."""
    if image.get("vips-loader") != "jpegload":
        return image
    widest, highest = largest_frame(placements)
    room = min(image.width / (widest * GAP), image.height / (highest * GAP))
    shrink = next((factor for factor in (8, 4, 2) if factor <= room), 1)
    return _load(source, shrink=shrink) if shrink > 1 else image


def _cascade(
    pixels: pyvips.Image, groups: dict[Shape, list[Target]], placements: Sequence[Placement]
) -> Iterator[tuple[Shape, pyvips.Image]]:
    widest, highest = largest_frame(placements)
    base = _resized(pixels, Placement(round(widest), round(highest))).copy_memory()
    larger = [base]
    for shape, placement in zip(groups, placements, strict=True):
        origin = next(
            image
            for image in reversed(larger)
            if image is base or image.width >= GAP * placement.frame[0]
        )
        small = _resized(origin, placement).copy_memory()
        if placement.whole:
            larger.append(small)
        yield shape, small


def _resized(image: pyvips.Image, placement: Placement) -> pyvips.Image:
    width, height = placement.frame
    if (image.width, image.height) == (placement.width, placement.height):
        return image
    whole = _scaled(image, width / image.width, height / image.height)
    if placement.whole:
        return whole
    left, top = (whole.width - placement.width) // 2, (whole.height - placement.height) // 2
    return whole.crop(max(0, left), max(0, top), placement.width, placement.height)


def _scaled(image: pyvips.Image, across: float, down: float) -> pyvips.Image:
    return _weighted(image, lambda pixels: pixels.resize(across, vscale=down))


def _weighted(image: pyvips.Image, change: Callable[[pyvips.Image], pyvips.Image]) -> pyvips.Image:
    """`change` of the image, in which what is transparent has no colour."""
    if not image.hasalpha():
        return change(image)
    return change(image.premultiply()).unpremultiply().cast(image.format)


def _finished(image: pyvips.Image, blur: float) -> pyvips.Image:
    upright = _srgb(image).autorot()
    blurred = _weighted(upright, lambda pixels: pixels.gaussblur(blur)) if blur else upright
    return blurred.copy_memory()


def _srgb(image: pyvips.Image) -> pyvips.Image:
    if image.get_typeof("icc-profile-data"):
        try:
            return image.icc_transform(
                "srgb", embedded=True, intent="relative", black_point_compensation=True
            ).copy_memory()
        except pyvips.Error:
            image = image.copy()
            image.remove("icc-profile-data")
    return image.colourspace("srgb")


def _encoded(image: pyvips.Image, target: Target) -> bytes:
    saver, options = _SAVER[target.format]
    carried = image
    if image.hasalpha() and not target.has_alpha:
        carried = image.flatten(background=[255, 255, 255])
    quality = {} if target.format == "png" else {"Q": target.quality}
    data: bytes = getattr(carried, saver)(keep="none", **quality, **options)
    return data
