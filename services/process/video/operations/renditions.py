"""`renditions`: the film in the sizes that screens need."""

from typing import Self

from pydantic import Field, model_validator

from services.process.video.copying import pictures_fit, sound_fits
from services.process.video.ffmpeg.codecs import CODECS, CodecName, Preset
from services.process.video.film import Film
from services.process.video.ladder import rungs
from services.process.video.operations.parameters import Heights, Kbps, Loudness
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.products.rendition import Rendition

_OPERATION = "renditions"


class Renditions(FilmRecipe):
    """H.264 and AAC in MP4, ready to play while it loads; the film is never enlarged.

    The outputs are called by their size: `720p`, or `<name>-720p` where the operation has a
    name of its own. A height is the shorter side, so an upright film gives 720×1280.
    """

    heights: Heights = (720, 480, 360)
    codec: CodecName = Field(
        default="h264", description="`vp9` comes with Opus in WebM, the others with AAC in MP4."
    )
    crf: int | None = Field(
        default=None, ge=0, le=63, description="The encoder's quality; lower is better."
    )
    preset: Preset = Field(default="veryfast", description="The encoder's trade of time for size.")
    audio: bool = Field(default=True, description="Whether the sound is kept, in stereo.")
    audio_kbps: Kbps = 128
    loudness: Loudness | None = None
    max_fps: float | None = Field(
        default=None, ge=1, le=240, description="Most pictures per second; else as the film has."
    )
    hdr: bool = Field(default=False, description="Whether HDR is kept, with `hevc` and `av1`.")
    captions: bool = Field(default=False, description="Whether text captions go along.")
    copy_source: bool = Field(
        default=True,
        description="Whether pictures and sound that are already what is wanted are copied, not"
        " encoded.",
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        codec = CODECS[self.codec]
        if self.crf is not None and self.crf > codec.worst:
            raise ValueError(f"crf: at most {codec.worst} with {self.codec}")
        if self.hdr and not codec.hdr:
            raise ValueError(f"hdr: not with {self.codec}, but with hevc or av1")
        return self

    def products(self, film: Film) -> tuple[Rendition, ...]:
        """One for each height that the film reaches."""
        sound = self.audio and film.audio_stream is not None
        crf = CODECS[self.codec].crf if self.crf is None else self.crf
        return tuple(
            Rendition(
                name=self._name_of(min(width, height)),
                width=width,
                height=height,
                crf=crf,
                preset=self.preset,
                audio_kbps=self.audio_kbps if sound else None,
                codec=self.codec,
                fps=self._capped(film),
                hdr=self.hdr and film.transfer is not None,
                loudness=self.loudness,
                captions=self.captions,
                salvage=self.salvage,
                copied=self._is_copied(film, (width, height)),
                sound_copied=self._is_sound_copied(film),
            )
            for width, height in rungs(film.width, film.height, self.heights)
        )

    def _capped(self, film: Film) -> float | None:
        """The rate that the film is brought to; None for its own, even or not."""
        if self.max_fps is None or not film.frame_rate:
            return None
        return self.max_fps if film.faster_than(self.max_fps) else None

    @property
    def _copies(self) -> bool:
        """Not of a film that may be damaged: a copy would be damaged as well."""
        return self.copy_source and not self.salvage

    def _is_copied(self, film: Film, size: tuple[int, int]) -> bool:
        wanted = self._copies and self.crf is None
        return wanted and pictures_fit(film, self.codec, size, self.max_fps)

    def _is_sound_copied(self, film: Film) -> bool:
        wanted = self._copies and self.loudness is None
        return wanted and sound_fits(film, self.codec, self.audio_kbps)

    def _name_of(self, side: int) -> str:
        return f"{side}p" if self.name == _OPERATION else f"{self.name}-{side}p"
