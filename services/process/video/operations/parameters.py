"""Parameters that several operations on films share."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

LONGEST_SECONDS = 7 * 86400
# With the longest ending, `-4320p`, the 64 characters that names may have.
LONGEST_NAME = 58


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


Height = Annotated[int, Field(ge=16, le=4320, multiple_of=2)]
Heights = Annotated[
    tuple[Height, ...],
    BeforeValidator(_as_tuple),
    Field(min_length=1, max_length=8, description="Shorter sides in pixels, even."),
]
Kbps = Annotated[int, Field(ge=16, le=320, description="Bit rate of the sound.")]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)]
Loudness = Annotated[
    float,
    Field(ge=-40, le=-5, allow_inf_nan=False, description="LUFS that the sound is brought to."),
]
