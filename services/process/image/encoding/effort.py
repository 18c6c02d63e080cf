"""How long encoders search for a smaller file: one scale for all of them. Pure.

0 is the fastest and 9 the smallest. What a word means was measured for each format: see
`docs/images.md`. Who changes how far an effort goes raises `recipe.REVISION`.
"""

from services.process.image.engine import Effort, Format

HIGHEST = 9

_WORDS: dict[str, dict[Format, int]] = {
    "fast": {"webp": 0, "avif": 0, "jpeg": 0, "png": 2, "jxl": 1},
    "balanced": {"webp": 2, "avif": 0, "jpeg": 5, "png": 4, "jxl": 3},
    "best": {"webp": 6, "avif": 1, "jpeg": 9, "png": 9, "jxl": 7},
}


def level(kind: Format, effort: Effort) -> int:
    """0 to 9."""
    return effort if isinstance(effort, int) else _WORDS[effort][kind]


def scaled(kind: Format, effort: Effort, highest: int) -> int:
    """0 to `highest`, for an encoder with a scale of its own."""
    return round(level(kind, effort) * highest / HIGHEST)
