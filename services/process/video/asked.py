"""One operation on one film: what it wants made, and what became of it."""

import hashlib
from collections.abc import Iterator, Mapping

import orjson

from services.process.told import told
from services.process.video.ffmpeg.branch import WHOLE
from services.process.video.film import Film, Snap, Storyboard
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.products.board import Board
from services.process.video.products.product import Product
from services.process.video.tools import Tools
from shared.jobs import Output
from shared.work import Work


class Asked:
    """An operation, with its products and snaps of `film`."""

    def __init__(self, recipe: FilmRecipe, film: Film) -> None:
        self.products: tuple[Product, ...] = recipe.products(film)
        self.snaps = recipe.snaps(film)
        self._recipe = recipe
        self._told = recipe.told(film)

    @property
    def checks(self) -> bool:
        """Whether all of the film is decoded for it, and has to be there."""
        return any(
            product.decodes and product.window == WHOLE and not product.salvage
            for product in self.products
        )

    @property
    def name(self) -> str:
        """The operation's."""
        return self._recipe.name

    @property
    def files(self) -> tuple[str, ...]:
        """See `Output.file`, of each output."""
        told = () if self._told is None else (f"{self.name}.json",)
        return (*told, *(file for made in (*self.products, *self.snaps) for file in made.files))

    def join(self) -> None:
        """Take storyboards out of a passage that decodes the film, instead of looking for them.

        Something else has to check that the film is whole: a board of a part is one, too.
        """
        boards = tuple(snap for snap in self.snaps if isinstance(snap, Storyboard))
        self.snaps = tuple(snap for snap in self.snaps if snap not in boards)
        self.products = (*self.products, *(Board(board) for board in boards))

    def outputs(
        self,
        products: Mapping[Product, tuple[Output, ...]],
        snaps: Mapping[Snap, tuple[Output, ...]],
        tools: Tools,
        work: Work,
    ) -> Iterator[Output]:
        """Its outputs among all that were made, each with the digest of its recipe."""
        for product in self.products:
            yield from (self._signed(output, tools) for output in products[product])
        for snap in self.snaps:
            yield from (self._signed(output, tools) for output in snaps[snap])
        if self._told is not None:
            yield self._signed(told(self.name, self._told, work), tools)

    def _signed(self, output: Output, tools: Tools) -> Output:
        """With a digest of what was asked for, and with all who made it; see `Output`."""
        if output.names_urls:
            return output  # which follow from the place that it is stored at
        kind, asked = type(self._recipe).__name__, self._recipe.model_dump(mode="json")
        parts = [kind, asked, tools.ffmpeg.name, output.engine, output.recipe]
        if (made_on := output.made_on) is not None:
            parts += [made_on.decoding, made_on.encoding]
        digest = hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
        engines = dict.fromkeys((tools.ffmpeg.name, output.engine or tools.ffmpeg.name))
        return output.model_copy(update={"recipe": digest[:32], "engine": ", ".join(engines)})
