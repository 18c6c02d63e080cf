"""The colours that a picture mostly has: k-means over its histogram."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.process.image.engine import Pixels
from services.process.image.look import Colour

SIDE_PIXELS = 96

_ROUNDS = 12
_BIN_BITS = 4  # of a channel's eight: colours that agree in these begin as one
_SEEN_ALPHA = 128

_Weights = dict[tuple[float, float, float], int]


@dataclass(frozen=True, slots=True)
class Palette:
    """The dominant colours with their shares, the largest first.

    Attributes:
        count: the most colours.
    """

    count: int

    def __call__(self, pixels: Pixels, source: Path) -> dict[str, Any]:
        """See `Reader`; no colours for a picture of which nothing can be seen."""
        found = dominant(pixels, self.count)
        return {
            "colours": [
                {"colour": "#{:02x}{:02x}{:02x}".format(*colour), "share": round(share, 4)}
                for colour, share in found
            ]
        }


def dominant(pixels: Pixels, count: int) -> list[tuple[Colour, float]]:
    """At most `count` colours, each with its share of what can be seen. Deterministic."""
    weights = _histogram(pixels)
    total = sum(weights.values())
    groups = _groups(weights, _seeds(weights, count)) if weights else []
    sized = [(_mean(group), sum(group.values()) / total) for group in groups]
    return sorted(
        ((tuple(round(c) for c in mean), share) for mean, share in sized),  # type: ignore[misc]
        key=lambda one: (-one[1], one[0]),
    )


def _histogram(pixels: Pixels) -> _Weights:
    """The mean colour of each bin, with how many pixels have it."""
    bins: dict[tuple[int, ...], list[Colour]] = {}
    rgba = pixels.rgba
    for at in range(0, len(rgba), 4):
        if rgba[at + 3] >= _SEEN_ALPHA:
            colour = (rgba[at], rgba[at + 1], rgba[at + 2])
            bins.setdefault(tuple(c >> 8 - _BIN_BITS for c in colour), []).append(colour)
    return {_mean(Counter(colours)): len(colours) for colours in bins.values()}


def _seeds(weights: _Weights, count: int) -> list[tuple[float, float, float]]:
    """The commonest colour, then always the one that is far from all others and common."""
    seeds = [max(weights, key=lambda colour: (weights[colour], colour))]
    while len(seeds) < min(count, len(weights)):
        seeds.append(
            max(
                weights,
                key=lambda colour: (
                    min(_distance(colour, seed) for seed in seeds) * weights[colour],
                    colour,
                ),
            )
        )
    return seeds


def _groups(weights: _Weights, means: list[tuple[float, float, float]]) -> list[_Weights]:
    """The colours, each with those that are nearest to the same mean."""
    groups: list[_Weights] = []
    for _ in range(_ROUNDS):
        groups = [{} for _ in means]
        for colour, weight in weights.items():
            nearest = min(range(len(means)), key=lambda at: _distance(colour, means[at]))
            groups[nearest][colour] = weight
        groups = [group for group in groups if group]
        means = [_mean(group) for group in groups]
    return groups


def _mean(weights: "_Weights | Counter[Colour]") -> tuple[float, float, float]:
    total = sum(weights.values())
    red, green, blue = (
        sum(colour[channel] * weight for colour, weight in weights.items()) / total
        for channel in range(3)
    )
    return red, green, blue


def _distance(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return sum((one - other) ** 2 for one, other in zip(a, b, strict=True))
