"""The digest of a recipe: the same source and digest give the same bytes beside the same outputs.

Beside others they may differ a little: all outputs of a job come from one decoding, which is as
large as the largest of them needs.
"""

import dataclasses
import hashlib
from pathlib import Path

import orjson

from services.process.image.engine import Reading, Wish
from services.process.image.watermark import file_of


def digest(wish: Wish, versions: str, watermarks: Path | None) -> str:
    """A hex digest of what was asked for, of who made it, and of the watermark's file.

    Args:
        versions: engine and codecs, each with its version.
    """
    parts = [_kind(wish), dataclasses.asdict(wish), versions]
    if wish.watermark is not None:
        file = file_of(wish.watermark, watermarks)
        parts.append(hashlib.sha256(file.read_bytes()).hexdigest())
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _kind(wish: Wish) -> str:
    return type(wish.reader).__name__ if isinstance(wish, Reading) else "picture"
