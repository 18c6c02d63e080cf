"""SVG drawings: how they are recognised, and how large they are taken to be."""

import re
from pathlib import Path
from typing import Final

SVG_SIDE_PIXELS: Final = 2048  # of the longer side: a drawing has no pixels of its own

_HEAD_BYTES: Final = 4096
_SVG: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:[?!](?s:.)*<)?svg[\s>:/]")


def is_svg(source: Path) -> bool:
    """Whether the file begins like one."""
    with source.open("rb") as file:
        return bool(_SVG.match(file.read(_HEAD_BYTES)))
