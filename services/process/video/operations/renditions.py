"""`renditions`: the film in the sizes that screens need."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from services.process.video.film import Film, Rendition
from services.process.video.ladder import rungs
from services.process.video.operations.recipe import FilmRecipe

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]
_OPERATION = "renditions"
_LONGEST_NAME = 58  # with the longest ending, `-4320p`, the 64 characters that names may have


def _as_heights(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


Height = Annotated[int, Field(ge=16, le=4320, multiple_of=2)]


class Renditions(FilmRecipe):
    """H.264 and AAC in MP4, ready to play while it loads; the film is never enlarged.

    The outputs are called by their size: `720p`, or `<name>-720p` where the operation has a
    name of its own. A height is the shorter side, so an upright film gives 720×1280.
    """

    heights: Annotated[
        tuple[Height, ...],
        BeforeValidator(_as_heights),
        Field(min_length=1, max_length=8, description="Shorter sides in pixels, even."),
    ] = (720, 480, 360)
    crf: int = Field(default=23, ge=0, le=51, description="x264's quality; lower is better.")
    preset: Preset = Field(default="veryfast", description="x264's trade of time for size.")
    audio: bool = Field(default=True, description="Whether the sound is kept, in stereo.")
    audio_kbps: int = Field(default=128, ge=16, le=320, description="Bit rate of the sound.")

    @model_validator(mode="after")
    def _leaves_room_for_the_size(self) -> Self:
        if len(self.name) > _LONGEST_NAME:
            raise ValueError(f"name: at most {_LONGEST_NAME} characters, the size is added")
        return self

    def renditions(self, film: Film) -> tuple[Rendition, ...]:
        """One for each height that the film reaches."""
        sound = self.audio and film.audio_stream is not None
        return tuple(
            Rendition(
                name=self._name_of(min(width, height)),
                width=width,
                height=height,
                crf=self.crf,
                preset=self.preset,
                audio_kbps=self.audio_kbps if sound else None,
            )
            for width, height in rungs(film.width, film.height, self.heights)
        )

    def _name_of(self, side: int) -> str:
        return f"{side}p" if self.name == _OPERATION else f"{self.name}-{side}p"
