"""Parameters that several operations on films share."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from services.process.image.engine import Format, Target
from services.process.plainly import plainly
from services.process.video.film import Film

LONGEST_SECONDS = 7 * 86400


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


Height = Annotated[int, Field(ge=16, le=4320, multiple_of=2)]
Heights = Annotated[
    tuple[Height, ...],
    BeforeValidator(_as_tuple),
    Field(min_length=1, max_length=8, description="Shorter sides in pixels, even."),
    plainly(
        "one or more even numbers of pixels, 16 to 4320, such as [720, 480]",
        but=(int, list, tuple),
    ),
]
Kbps = Annotated[int, Field(ge=16, le=320, description="Bit rate of the sound.")]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)]
Loudness = Annotated[
    float,
    Field(ge=-40, le=-5, allow_inf_nan=False, description="LUFS that the sound is brought to."),
]
_Share = Annotated[
    str, Field(pattern=r"^(100|[0-9]{1,2})(\.[0-9]{1,3})?%$", description="A share: `25%`.")
]
Place = Annotated[
    Seconds | _Share,
    plainly('seconds from the start, such as 90, or a share of the film, such as "25%"'),
]


def seconds_at(place: float | str, film: Film) -> float:
    """Seconds from the film's start."""
    if isinstance(place, str):
        return float(place.removesuffix("%")) / 100 * film.picture_seconds
    return place


def targets(name: str, formats: tuple[Format, ...], width: int, quality: int) -> tuple[Target, ...]:
    """Files of one picture: one in each format."""
    return tuple(Target(name=name, format=kind, width=width, quality=quality) for kind in formats)


def scaled_to(film: Film, width: int) -> tuple[int, int]:
    """The film's size at that width, never enlarged; both sides even."""
    width = min(width, film.width)
    height = width * film.height / film.width
    return max(2, width - width % 2), max(2, 2 * round(height / 2 - 0.25))
