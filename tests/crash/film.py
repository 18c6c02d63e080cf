"""A film of half a second."""

import subprocess
from pathlib import Path

from services.process.video.ffmpeg.ffmpeg import find
from services.process.video.settings import FilmSettings


def make_film(target: Path) -> None:
    """Write one, made by ffmpeg's own test picture."""
    ffmpeg = find(FilmSettings().ffmpeg).path
    picture = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=0.5"]
    subprocess.run(
        [ffmpeg, "-loglevel", "error", *picture, "-pix_fmt", "yuv420p", target], check=True
    )
