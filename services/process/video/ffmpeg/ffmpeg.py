"""Finding the ffmpeg program, and knowing which one it is."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.errors import EngineUnavailable

OLDEST = (5, 1)
_ANSWER_SECONDS = 20
_RELEASE = re.compile(r"ffmpeg version n?(\d+)\.(\d+)(?:\.(\d+))?")
_LIBRARY = re.compile(r"libavcodec +(\d+)\.")
_RELEASES_BEHIND_LIBRARY = 54  # libavcodec 59 came with ffmpeg 5, 60 with 6, and so on


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg program.

    Attributes:
        version: major, minor, patch.
        libraries: what it was built with (`libx264`).
    """

    path: Path
    version: tuple[int, int, int]
    libraries: frozenset[str]

    @property
    def name(self) -> str:
        """As results show it: `ffmpeg 9.0.2`."""
        return "ffmpeg " + ".".join(map(str, self.version))

    @property
    def tells_the_shortest(self) -> bool:
        """Whether it tells at its end how long the shortest output is, such as captions.

        5 and 6 tell of the longest, and so does 9; and how many pictures there are, all.
        """
        return self.version[0] in {7, 8}


def find(setting: str | None = None) -> Ffmpeg:
    """The program that `setting` names, else the newest that works. Blocks for a moment.

    Raises:
        EngineUnavailable: there is none; the sentence says why.
    """
    return _newest(tuple(_candidates())) if setting is None else _chosen(setting)


def _chosen(setting: str) -> Ffmpeg:
    path = shutil.which(setting)
    if path is None:
        raise EngineUnavailable(f"FFMPEG: there is no program '{setting}'.")
    try:
        return identify(Path(path).absolute())
    except EngineUnavailable as error:
        raise EngineUnavailable(f"FFMPEG: {error}") from None


def identify(path: Path) -> Ffmpeg:
    """The program `path`, after asking it for its version.

    Raises:
        EngineUnavailable: it does not answer, is too old, or has no H.264 encoder.
    """
    program = parse(path, _ask(path))
    if program.version[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise EngineUnavailable(f"{path.name}: {program.name} is older than {oldest}.")
    if "libx264" not in program.libraries:
        raise EngineUnavailable(f"{path.name}: {program.name} was built without libx264.")
    return program


def parse(path: Path, answer: str) -> Ffmpeg:
    """What `ffmpeg -version` answers. Builds between releases are known by their libraries.

    Raises:
        EngineUnavailable: this is no answer of ffmpeg.
    """
    libraries = frozenset(re.findall(r"--enable-(lib\S+)", answer))
    if release := _RELEASE.search(answer):
        major, minor, patch = (int(part or 0) for part in release.groups())
        return Ffmpeg(path, (major, minor, patch), libraries)
    if library := _LIBRARY.search(answer):
        return Ffmpeg(path, (int(library[1]) - _RELEASES_BEHIND_LIBRARY, 0, 0), libraries)
    raise EngineUnavailable(f"{path.name}: does not answer like ffmpeg.")


def _newest(paths: tuple[Path, ...]) -> Ffmpeg:
    programs, faults = [], []
    for path in paths:
        try:
            programs.append(identify(path))
        except EngineUnavailable as error:
            faults.append(str(error))
    if not programs:
        reasons = " ".join(faults) or "None is installed."
        raise EngineUnavailable(f"No usable ffmpeg program was found. {reasons}")
    return max(programs, key=lambda program: program.version)


def _candidates() -> Iterator[Path]:
    # /bin is a link to /usr/bin on many machines: one program is asked once.
    for folder in dict.fromkeys(map(os.path.realpath, os.get_exec_path())):
        if installed := shutil.which("ffmpeg", path=folder):
            yield Path(installed)
    try:
        import imageio_ffmpeg

        yield Path(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # no wheel, or none with a program for this machine
        return


def _ask(path: Path) -> str:
    try:
        answer = subprocess.run(
            [path, "-version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineUnavailable(f"{path.name}: {error}") from None
    return answer.stdout.decode(errors="replace")
