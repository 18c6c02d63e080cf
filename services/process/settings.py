"""What the process service is told by its environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, model_validator

from services.process.child import STALL_SECONDS, Bounds
from services.process.cores import usable_cores
from services.process.image.engine import Limits
from services.process.image.select import EngineName
from services.process.possible import check
from services.process.presets import Catalogues, load
from shared.settings import Settings


class PresetSettings(Settings):
    """What can be asked for under one name."""

    presets_file: Path | None = Field(
        default=None, description="TOML file with presets of your own; see docs/images.md"
    )

    _catalogues: Catalogues = PrivateAttr()

    @model_validator(mode="after")
    def _has_right_presets(self) -> Self:
        try:
            self._catalogues = load(self.presets_file)
        except ValueError as error:
            raise ValueError(f"PRESETS_FILE: {error}") from None
        return self

    @property
    def catalogues(self) -> Catalogues:
        """All operations and presets, as the file was when the settings were read."""
        return self._catalogues


class ProcessSettings(PresetSettings):
    """How media are processed, and how much one file may take."""

    health_port: int = Field(
        default=8045, ge=0, le=65535, description="port of the process service's health server"
    )
    process_concurrency: int = Field(
        default_factory=usable_cores,
        ge=1,
        le=256,
        description="jobs that are processed at once; by default as many as there are usable cores",
    )
    process_engine: EngineName = Field(
        default="auto",
        description="library for photos; auto takes the fastest that is there, and never the GPU",
    )
    process_gpu_decode: bool = Field(
        default=False,
        description="whether the GPU of engine cuda decodes JPEG too, which differs by rounding",
    )
    process_workers: int = Field(
        default_factory=usable_cores,
        ge=1,
        le=256,
        description="child processes for photos; by default as many as there are usable cores",
    )
    process_call_seconds: float = Field(
        default=120, gt=0, le=3600, description="how long all outputs of one photo may take"
    )
    process_memory_bytes: int = Field(
        default=4 * 2**30,
        ge=256 * 2**20,
        description="address space of one child process for photos",
    )
    process_file_bytes: int = Field(
        default=2**30, ge=2**20, description="size of any one file made from a photo"
    )
    process_stall_seconds: float = Field(
        default=STALL_SECONDS,
        gt=0,
        le=86400,
        description="how long a child process or ffmpeg may stand still, neither computing nor"
        " reading, before it is killed",
    )
    process_niceness: int = Field(
        default=5, ge=0, le=19, description="how far child processes step back behind the services"
    )
    max_image_pixels: int = Field(
        default=100_000_000,
        ge=1,
        le=1_000_000_000,
        description="width times height of the largest photo that is accepted; times frames, where"
        " an animation is kept",
    )
    max_image_frames: int = Field(
        default=2000,
        ge=1,
        le=1_000_000,
        description="frames of the longest animation that is kept as one",
    )
    process_svg: bool = Field(
        default=False, description="whether SVG drawings are opened; nothing is loaded from them"
    )
    watermarks_dir: Path | None = Field(
        default=None, description="folder of the pictures that `watermark` may name"
    )

    @model_validator(mode="after")
    def _has_what_presets_take(self) -> Self:
        try:
            check(self.catalogues, self.process_engine, self.limits)
        except ValueError as error:
            raise ValueError(f"PRESETS_FILE: {self.presets_file}: {error}") from None
        return self

    @property
    def bounds(self) -> Bounds:
        """What a child for photos is granted."""
        return Bounds(
            memory_bytes=self.process_memory_bytes,
            file_bytes=self.process_file_bytes,
            open_files=64,
            niceness=self.process_niceness,
            stall_seconds=self.process_stall_seconds,
        )

    @property
    def limits(self) -> Limits:
        """What an engine may take on."""
        return Limits(
            pixels=self.max_image_pixels,
            frames=self.max_image_frames,
            svg=self.process_svg,
            watermarks=self.watermarks_dir and self.watermarks_dir.absolute(),
            gpu_decode=self.process_gpu_decode,
        )
