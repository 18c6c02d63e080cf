"""Output files, as all engines write them."""

import hashlib
from pathlib import Path

from services.process.image.engine import Rendered, Target


def write(
    data: bytes, target: Target, size: tuple[int, int], engine: str, directory: Path
) -> Rendered:
    """The new file of `target` in `directory`; `size` is width and height in pixels."""
    with (directory / target.file).open("xb") as file:
        file.write(data)
    return Rendered(target, *size, len(data), hashlib.sha256(data).hexdigest(), engine)
