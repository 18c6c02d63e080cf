"""The engine on libvips: streams what it can, so that a picture takes a fraction of the memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyvips

from services.process.image.engine import Limits, Pixels, Reading, Rendered, Wish
from services.process.image.geometry import LYING, Finish, Placement, shapes
from services.process.image.output import Outputs
from services.process.image.recipe import Recipes
from services.process.image.side_by_side import side_by_side
from services.process.image.vips.codecs import VERSION, confine, encode, versions, writable
from services.process.image.vips.colour import srgb
from services.process.image.vips.decode import blaming_the_file, opened, shrunk_by_decoder
from services.process.image.vips.finish import finished
from services.process.image.vips.layers import Cascade, held


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
        return finished(_upright(srgb(small)), finish, self._limits.watermarks)

    def _decoded(self, source: Path, wishes: Sequence[Wish]) -> tuple[list["_Group"], Cascade]:
        """What is to be made, and from what. All memory of the decoder is free again."""
        image = opened(source, self._limits)
        orientation = image.get("orientation") if image.get_typeof("orientation") else 1
        size = (image.width, image.height)
        seen = size[::-1] if orientation in LYING else size
        groups = [
            _Group(shape.placement.stored(orientation), shape.finish, alike)
            for shape, alike in shapes(*seen, wishes).items()
        ]
        placements = [group.placement for group in groups]
        pixels = shrunk_by_decoder(image, source, placements)
        with blaming_the_file():
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
    return Pixels(whole.width, whole.height, bytes(whole.write_to_memory()))


def _upright(image: pyvips.Image) -> pyvips.Image:
    return image.autorot() if image.get_typeof("orientation") else image
