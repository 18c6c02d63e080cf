"""The photos, films and damaged files that jobs are about."""

import io
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

from tests.conftest import CORPUS, ROOT

EXAMPLES = ROOT / "examples"
# More of these would leave little time for anything else.
_LARGEST_FILM_BYTES = 3 << 20


@dataclass(frozen=True)
class Shelf:
    """Files by what jobs want of them.

    Attributes:
        folder: made for the soak; the web server and `file://` show it.
        small: photos that take next to no time.
        photos: real ones, of many megapixels and odd forms.
        clips: films of a second.
        films: real ones.
        heavy: photos that are uploaded in several parts.
        hostile: damaged and malicious files.
    """

    folder: Path
    small: tuple[Path, ...]
    photos: tuple[Path, ...]
    clips: tuple[Path, ...]
    films: tuple[Path, ...]
    heavy: tuple[Path, ...]
    hostile: tuple[Path, ...]

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that `file://` sources lie under."""
        return (self.folder, EXAMPLES, CORPUS) if CORPUS.is_dir() else (self.folder, EXAMPLES)


def filled(folder: Path, dice: random.Random) -> Shelf:
    """The shelf, with what the repository and the corpus have, and copies made small."""
    folder.mkdir()
    photo, film = EXAMPLES / "mountains.jpg", EXAMPLES / "bunny.mp4"
    films = [path for path in _corpus("video") if path.stat().st_size < _LARGEST_FILM_BYTES]
    return Shelf(
        folder,
        small=_small(folder, photo, dice),
        photos=(photo, *_corpus("photos"), *_corpus("tricky")),
        clips=(_clip(folder, film),),
        films=(film, *films),
        heavy=(_heavy(folder),),
        hostile=(*_damaged(folder, photo, film), *_corpus("hostile")),
    )


def _corpus(kind: str) -> list[Path]:
    """The files of one folder, without those that are no media by their name."""
    folder = CORPUS / kind
    return sorted(path.resolve() for path in folder.iterdir()) if folder.is_dir() else []


def _small(folder: Path, photo: Path, dice: random.Random) -> tuple[Path, ...]:
    """Cuttings of the photo, each with a name and a content of its own."""
    made = []
    with Image.open(photo) as whole:
        for number in range(24):
            left, top = dice.randrange(2000), dice.randrange(1500)
            form = dice.choice(("jpg", "png", "webp"))
            path = folder / f"small-{number}.{form}"
            whole.crop((left, top, left + 480, top + 360)).save(path)
            made.append(path)
    return tuple(made)


def _clip(folder: Path, film: Path) -> Path:
    clip = folder / "clip.mp4"
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", film, "-t", "1"]
    argv += ["-vf", "scale=320:180", "-c:v", "libx264", "-preset", "ultrafast", "-an", clip]
    subprocess.run(argv, check=True)
    return clip


def _heavy(folder: Path) -> Path:
    """Noise does not compress: six megabytes in few pixels."""
    path = folder / "heavy.png"
    Image.effect_noise((2600, 2400), 90).save(path, compress_level=1)
    return path


def _damaged(folder: Path, photo: Path, film: Path) -> list[Path]:
    noise = io.BytesIO()
    Image.effect_noise((100, 100), 90).save(noise, "PNG")
    contents = {
        "cut.jpg": photo.read_bytes()[:200_000],
        "cut.mp4": film.read_bytes()[:300_000],
        "empty.jpg": b"",
        "holes.png": noise.getvalue()[:3000] + bytes(2000) + noise.getvalue()[5000:],
        "text.jpg": b"no picture at all\n" * 100,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]
