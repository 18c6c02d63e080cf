"""Output files, as all engines write them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from services.process.image.encoding.auto_quality import lowest
from services.process.image.engine import WHITE, Limits, Pixels, Reading, Rendered, Target, Wish
from services.process.image.geometry import Size
from services.process.image.recipe import Recipes
from services.process.image.source.exif import taken_over
from shared.errors import EngineUnavailable, MillraceError

_Encode = Callable[[Target, bytes], bytes]
_Value = dict[str, Any] | None


@dataclass(frozen=True)
class Outputs:
    """The place where an engine leaves what it made of one source.

    Attributes:
        engine: its name, as results show it.
        recipes: the digests of all that is made of it.
        source: the file whose EXIF is taken over, and that readings are about.
        directory: where the new files go.
        limits: what holds for the source, and where watermarks lie.
    """

    engine: str
    recipes: Recipes
    source: Path
    directory: Path
    limits: Limits
    _search: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)
    """Comparing takes some 130 bytes for each pixel, so that the number of threads would decide
    whether a photo goes into a child's memory."""

    def picture(self, target: Target, size: Size, encode: _Encode) -> Rendered:
        """The file of `target`, of `size` pixels, as `encode` gives it for a target and EXIF.

        Raises:
            EngineUnavailable: the encoder fails.
            UnsupportedMedia: the quality is to be found, and numpy is not installed.
        """
        exif = taken_over(self.source, target.metadata)
        found, score = self._found(target, encode)
        data = _fitting(found, encode, exif)
        return replace(self._written(target, size, data, None), score=score)

    def reading(self, reading: Reading, pixels: Pixels) -> Rendered:
        """The file of `reading`: what its reader says, as JSON."""
        value = reading.reader(pixels, self.source)
        return self._written(reading, (None, None), orjson.dumps(value), value)

    def _found(self, target: Target, encode: _Encode) -> tuple[Target, float | None]:
        """With its quality, and its score, if that is to be found: one output at a time."""
        if not target.is_searched:
            return target, None
        with self._search:
            return lowest(target, lambda attempt: _encoded(attempt, encode, b""))

    def _written(
        self, wish: Wish, size: tuple[int | None, int | None], data: bytes, value: _Value
    ) -> Rendered:
        with (self.directory / wish.file).open("xb") as file:
            file.write(data)
        sha256, recipe = hashlib.sha256(data).hexdigest(), self.recipes.digest(wish)
        return Rendered(wish, *size, len(data), sha256, self.engine, recipe, value)


def _fitting(target: Target, encode: _Encode, exif: bytes) -> bytes:
    """No more than `max_bytes`: quality is halved until it is so, at last without transparency.

    A box of 32×32 pixels and 2048 bytes is always reached: see the tests.
    """
    data = _encoded(target, encode, exif)
    for attempt in _cheaper(target):
        if target.max_bytes is None or len(data) <= target.max_bytes:
            return data
        data = _encoded(attempt, encode, exif)
    return data


def _encoded(target: Target, encode: _Encode, exif: bytes) -> bytes:
    """An encoder that fails is not the source's fault."""
    try:
        return encode(target, exif)
    except (MemoryError, MillraceError):
        raise
    except Exception as error:
        raise EngineUnavailable(f"{target.file} cannot be encoded: {error}") from error


def _cheaper(target: Target) -> list[Target]:
    """The same with fewer bytes, the best first."""
    lower = [replace(target, quality=target.quality // 2**step or 1) for step in (1, 2, 3, 6)]
    return [*lower, replace(lower[-1], background=target.ground or WHITE)]
