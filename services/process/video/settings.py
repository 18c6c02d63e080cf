"""What the film half of the process service is told by its environment."""

from dataclasses import replace

from pydantic import Field

from services.process.child import Bounds
from services.process.cores import usable_cores
from services.process.video.ffmpeg.run import Grant
from services.process.video.film import Limits
from services.process.video.hardware.device import Wanted
from shared.settings import Settings


class FilmSettings(Settings):
    """Which ffmpeg is used, and how much one film may take."""

    ffmpeg: str | None = Field(
        default=None,
        description="the ffmpeg program; by default the newest of those on the PATH and the wheel's",
    )
    ffmpeg_threads: int = Field(
        default_factory=usable_cores,
        ge=1,
        le=64,
        description="threads of each decoder, filter and encoder; by default the usable cores",
    )
    hwaccel: Wanted = Field(
        default="none",
        description="the GPU that decodes and encodes films, as far as its driver can: auto, cuda,"
        " vaapi; none for the CPU alone; see docs/films.md",
    )
    ffmpeg_limit_seconds: float = Field(
        default=24 * 3600,
        gt=0,
        le=30 * 86400,
        description="how long one run of ffmpeg may take; the stage's own limit counts as well",
    )
    ffmpeg_memory_bytes: int = Field(
        default=8 * 2**30, ge=512 * 2**20, description="address space of one run of ffmpeg"
    )
    ffmpeg_file_bytes: int = Field(
        default=64 * 2**30, ge=2**20, description="size of any one file made from a film"
    )
    probe_limit_seconds: float = Field(
        default=60,
        gt=0,
        le=3600,
        description="how long looking into one film may take; more where it has to be decoded for that",
    )
    max_video_seconds: float = Field(
        default=6 * 3600, gt=0, le=7 * 86400, description="length of the longest accepted film"
    )
    max_video_pixels: int = Field(
        default=36_000_000,
        ge=1,
        le=1_000_000_000,
        description="width times height of the largest accepted film; 8K has 35.4 million",
    )
    max_video_frames: int = Field(
        default=900_000,
        ge=1,
        le=100_000_000,
        description="pictures of the longest accepted film; four hours at 60 a second have 864000",
    )
    max_video_streams: int = Field(
        default=64, ge=1, le=1000, description="streams (video, sound, subtitles …) of one film"
    )

    @property
    def limits(self) -> Limits:
        """What a film may be."""
        return Limits(
            seconds=self.max_video_seconds,
            pixels=self.max_video_pixels,
            streams=self.max_video_streams,
            frames=self.max_video_frames,
        )

    def grant(self, bounds: Bounds) -> Grant:
        """What one run of ffmpeg may take: as other children, but for memory and files."""
        return Grant(
            bounds=replace(
                bounds,
                memory_bytes=self.ffmpeg_memory_bytes,
                file_bytes=self.ffmpeg_file_bytes,
                open_files=256,
            ),
            seconds=self.ffmpeg_limit_seconds,
            cpu_seconds=self.ffmpeg_limit_seconds * usable_cores(),
        )
