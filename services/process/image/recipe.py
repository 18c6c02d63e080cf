"""Digests of recipes: the same source and the same digest give the same bytes.

All outputs of a call come from one decoding, as large as the largest of them needs, and the
smaller ones are made from the larger ones. So a digest is also of what is made beside.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from services.process.image.encoding.effort import level
from services.process.image.engine import Reading, Target, Wish
from services.process.image.look import Look, Watermark
from services.process.image.watermark import file_of

REVISION = 6
"""To be raised when other bytes come of the same parameters and libraries: where `geometry.GAP`,
how an encoder is set (`encoding/`), how colours are rounded, or a measure of our own changes."""


@dataclass(frozen=True)
class Recipes:
    """The digests of all that is made in one call.

    Attributes:
        versions: engine and codecs, each with its version.
        beside: what the outputs of the call show, each once, in an order of their own.
        watermarks: the digest of each watermark's file.
    """

    versions: str
    beside: tuple[bytes, ...]
    watermarks: Mapping[str, str]

    @classmethod
    def of(cls, wishes: Sequence[Wish], versions: str, watermarks: Path | None) -> Self:
        """Those of `wishes`, whose watermarks lie in that folder.

        Raises:
            InvalidJob: there is no such watermark.
        """
        marks = {wish.watermark for wish in wishes if wish.watermark is not None}
        return cls(
            versions,
            tuple(sorted({_shown(wish) for wish in wishes})),
            {mark.image: _digest_of_file(mark, watermarks) for mark in marks},
        )

    def digest(self, wish: Wish) -> str:
        """A hex digest of what was asked for, of all beside it, and of who made it."""
        mark = self.watermarks[wish.watermark.image] if wish.watermark else None
        beside = [part.decode() for part in self.beside]
        parts = [REVISION, _kind(wish), _asked(wish), self.versions, mark, beside]
        return hashlib.sha256(_json(parts)).hexdigest()[:32]


def _asked(wish: Wish) -> dict[str, Any]:
    """All parameters; the effort as the number that a word stands for."""
    asked = dataclasses.asdict(wish)
    if isinstance(wish, Target):
        asked["effort"] = level(wish.format, wish.effort)
    return asked


def _shown(wish: Wish) -> bytes:
    """What others' pixels follow from: its look, and with it what decides its size and decoding.

    A format can limit the size, and an animation's frames are decoded apart from its first.
    """
    look = [getattr(wish, field.name) for field in dataclasses.fields(Look)]
    return _json([*look, wish.max_side, isinstance(wish, Target) and wish.moves])


def _digest_of_file(mark: Watermark, watermarks: Path | None) -> str:
    return hashlib.sha256(file_of(mark, watermarks).read_bytes()).hexdigest()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _kind(wish: Wish) -> str:
    return type(wish.reader).__name__ if isinstance(wish, Reading) else "picture"
