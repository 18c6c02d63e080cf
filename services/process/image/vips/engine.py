"""The engine on libvips: streams what it can, so that a picture takes a fraction of the memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyvips

from services.process.image.engine import Limits, Pixels, Reading, Rendered, Wish
from services.process.image.geometry import (
    GAP,
    LYING,
    Finish,
    Placement,
    largest_frame,
    shapes,
)
from services.process.image.output import Outputs
from services.process.image.recipe import Recipes
from services.process.image.side_by_side import side_by_side
from services.process.image.source.svg import SVG_SIDE_PIXELS, is_svg
from services.process.image.vips.codecs import LOADERS, VERSION, confine, encode, versions, writable
from services.process.image.vips.finish import finished
from services.process.image.vips.layers import Cascade, Layer, held
from shared.errors import CorruptMedia, UnsupportedMedia

_HEAD_BYTES = 4096  # the boxes that describe a picture stand at the beginning


class Vips:
    """Decodes once, makes each size from the next larger one, encodes each in its formats."""

    name = VERSION
    animates = False

    def __init__(self, limits: Limits) -> None:
        """Lets libvips open no more formats than it has to."""
        confine(svg=limits.svg)
        self.formats = writable()
        self._versions = versions()
        self._limits = limits

    def render(
        self, source: Path, wishes: Sequence[Wish], directory: Path, threads: int = 1
    ) -> tuple[Rendered, ...]:
        """See `Engine.render`."""
        recipes = Recipes.of(wishes, self._versions, self._limits.watermarks)
        outputs = Outputs(self.name, recipes, source, directory, self._limits)
        made = side_by_side(self._shown(source, wishes), partial(_put, outputs), threads)
        return tuple(made[wish] for wish in wishes)

    def _shown(
        self, source: Path, wishes: Sequence[Wish]
    ) -> Iterator[tuple[pyvips.Image, list[Wish]]]:
        """What the wishes show, the largest first, each as soon as it is finished."""
        groups, cascade = self._decoded(source, wishes)
        for number, group in enumerate(groups):
            yield self._finished(cascade.picture(number), group.finish), group.wishes

    def _finished(self, small: pyvips.Image, finish: Finish) -> pyvips.Image:
        return finished(_upright(_srgb(small)), finish, self._limits.watermarks)

    def _decoded(self, source: Path, wishes: Sequence[Wish]) -> tuple[list["_Group"], Cascade]:
        """What is to be made, and from what. All memory of the decoder is free again."""
        image = _opened(source, self._limits)
        orientation = image.get("orientation") if image.get_typeof("orientation") else 1
        size = (image.width, image.height)
        groups = [
            _Group(shape.placement.stored(orientation), shape.finish, alike)
            for shape, alike in shapes(
                *(size[::-1] if orientation in LYING else size), wishes
            ).items()
        ]
        placements = [group.placement for group in groups]
        pixels = _shrunk_by_decoder(image, source, placements)
        with _blaming_the_file():
            return groups, Cascade(*held(pixels, placements))


@dataclass(frozen=True, slots=True)
class _Group:
    """Wishes that look the same, and where in the stored picture they lie."""

    placement: Placement
    finish: Finish
    wishes: list[Wish]


def _put(outputs: Outputs, image: pyvips.Image, wish: Wish) -> Rendered:
    if isinstance(wish, Reading):
        return outputs.reading(wish, _pixels(image))
    return outputs.picture(wish, (image.width, image.height), partial(encode, image))


def _pixels(image: pyvips.Image) -> Pixels:
    whole = image if image.hasalpha() else image.bandjoin(255)
    return Pixels(whole.width, whole.height, bytes(whole.cast("uchar").write_to_memory()))


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
        image = _drawn(source) if limits.svg and is_svg(source) else _load(source)
    except pyvips.Error as error:
        if "not a known file format" in str(error):
            raise UnsupportedMedia(
                f"The file is no picture in a known format ({', '.join(LOADERS)})."
            ) from None
        raise CorruptMedia(f"The picture is damaged: {_reason(error)}") from None
    if image.get_typeof("heif-compression") and image.get("heif-compression") != "av1":
        raise UnsupportedMedia("The file is a HEIF picture in another format than AVIF.")
    if image.get_typeof("heif-compression") and _turned_by_container(source):
        raise UnsupportedMedia("libheif shifts the colours of AVIF pictures that it turns.")
    limits.check(image.width, image.height)
    return image


def _turned_by_container(source: Path) -> bool:
    """Whether a picture is to be turned or mirrored, told by its container and not by EXIF.

    At odd sizes libheif mirrors the colours, which have half the resolution, to a place one row
    off: some 10 points of SSIMULACRA2.
    """
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return b"irot" in head or b"imir" in head


def _drawn(source: Path) -> pyvips.Image:
    """An SVG drawing. Without a file name it has no place from which it could load anything."""
    data = source.read_bytes()
    own = pyvips.Image.svgload_buffer(data)
    scale = SVG_SIDE_PIXELS / max(own.width, own.height)
    return pyvips.Image.svgload_buffer(data, scale=scale, access="sequential", fail_on="error")


def _load(source: Path, **options: Any) -> pyvips.Image:
    return pyvips.Image.new_from_file(str(source), access="sequential", fail_on="error", **options)


def _shrunk_by_decoder(image: pyvips.Image, source: Path, placements: Sequence[Placement]) -> Layer:
    """No more pixels than the largest placement needs, where the decoder can shrink."""
    if image.get("vips-loader") != "jpegload":
        return Layer.of(image)
    widest, highest = largest_frame(placements)
    room = min(image.width / (widest * GAP), image.height / (highest * GAP))
    shrink = next((factor for factor in (8, 4, 2) if factor <= room), 1)
    if shrink == 1:
        return Layer.of(image)
    return Layer(_load(source, shrink=shrink), (image.width / shrink, image.height / shrink))


def _srgb(image: pyvips.Image) -> pyvips.Image:
    if image.get_typeof("icc-profile-data"):
        try:
            return image.icc_transform(
                "srgb", embedded=True, intent="relative", black_point_compensation=True
            ).copy_memory()
        except pyvips.Error:
            image = image.copy()
            image.remove("icc-profile-data")
    if image.interpretation == "srgb" and image.format == "uchar":
        return image
    return _inkless(image) if image.interpretation == "cmyk" else image.colourspace("srgb")


def _upright(image: pyvips.Image) -> pyvips.Image:
    return image.autorot() if image.get_typeof("orientation") else image


def _inkless(image: pyvips.Image) -> pyvips.Image:
    """Inks of no known press, as browsers and Pillow show them: each takes away its own light."""
    light, paper = 255 - image.extract_band(0, n=3), 255 - image.extract_band(3)
    return (light * paper / 255).rint().cast("uchar").copy(interpretation="srgb")
