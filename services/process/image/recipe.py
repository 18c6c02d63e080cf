"""Digests of recipes: the same source and the same digest give the same bytes.

All outputs of a call come from one decoding, as large as the largest of them needs, and the
smaller ones are made from the larger ones. So a digest is also of what is made beside.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import orjson

from services.process.image.encoding.effort import level
from services.process.image.engine import EFFORTLESS, Reading, Target, Wish
from services.process.image.look import Look, Watermark
from services.process.image.watermark import file_of

REVISION = 9
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
        files = {mark.image: _digest_of_file(mark, watermarks) for mark in marks}
        return cls(
            versions,
            tuple(sorted({_told(_shown(wish), files) for wish in wishes})),
            files,
        )

    def digest(self, wish: Wish) -> str:
        """A hex digest of what was asked for, of all beside it, and of who made it."""
        beside = [part.decode() for part in self.beside]
        asked = [_told(_shown(wish), self.watermarks).decode(), _asked(wish)]
        parts = [REVISION, _kind(wish), asked, self.versions, beside]
        return hashlib.sha256(_json(parts)).hexdigest()[:32]


def _asked(wish: Wish) -> dict[str, Any]:
    """What its bytes follow from beside its look: no name, and nothing that means nothing to it."""
    if isinstance(wish, Reading):
        return dataclasses.asdict(wish)["reader"]  # type: ignore[no-any-return]
    has_quality = not (wish.is_lossless or wish.is_searched)
    return {
        "format": wish.format,
        "quality": wish.quality if has_quality else None,
        "least_score": wish.least_score if wish.is_searched else None,
        "effort": None if wish.format in EFFORTLESS else level(wish.format, wish.effort),
        "ground": wish.ground,
        "metadata": wish.metadata,
        "max_bytes": wish.max_bytes,
        "full_colour": wish.full_colour,
    }


def _shown(wish: Wish) -> tuple[Look, int, bool]:
    """What others' pixels follow from: its look, and with it what decides its size and decoding.

    A format can limit the size, and an animation's frames are decoded apart from its first.
    """
    look = Look(**{field.name: getattr(wish, field.name) for field in dataclasses.fields(Look)})
    return look, wish.max_side, isinstance(wish, Target) and wish.moves


def _told(shown: tuple[Look, int, bool], watermarks: Mapping[str, str]) -> bytes:
    """As JSON, in which a watermark's file is told by its digest and not by its name."""
    look, *others = shown
    if look.watermark is not None:
        named = replace(look.watermark, image=watermarks[look.watermark.image])
        look = replace(look, watermark=named)
    return _json([look, *others])


def _digest_of_file(mark: Watermark, watermarks: Path | None) -> str:
    return hashlib.sha256(file_of(mark, watermarks).read_bytes()).hexdigest()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _kind(wish: Wish) -> str:
    return type(wish.reader).__name__ if isinstance(wish, Reading) else "picture"
