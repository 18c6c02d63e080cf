"""Real files that programs get wrong, and what is right for each of them.

`tricky.txt` says for each file of the corpus how large it is when it is upright, whether anything
is transparent, how it moves, or how it is refused. What it looks like is found by another path:
see `reference.py`, and `moving.py` for every frame. All files are in the long form, `make pictures`; the short one takes some.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from ssimulacra2 import compute_ssimulacra2

from services.process.image import select
from services.process.image.engine import Limits, Target
from services.process.image.operations import PHOTOS
from services.process.image.select import EngineName
from services.process.plan import plan
from shared import errors
from tests.unit.services.process.image.moving import all_frames, differs, unlike
from tests.unit.services.process.image.moving import seen as premultiplied
from tests.unit.services.process.image.reference import reference

HERE = Path(__file__).parent
CORPUS = Path(__file__).parents[6] / "shared" / "corpus"
LIMITS = Limits(pixels=100_000_000)
TELLING = (
    "apng_dispose_op_previous_frame.png", "avif_rot3mir1.avif", "avif_star.avifs",
    "avif_transparency.avif", "chi.gif", "dispose_prev_first_frame.gif", "hopper.ico",
    "hopper_orientation_6.webp", "icc_profile.png", "l_trns.png", "pil_sample_cmyk.jpg",
    "rgb_trns_ycbc.jp2", "sugarshack.mpo", "tiff_16bit_RGBa.tiff", "16bit.MM.deflate.tif",
    "multipage.tiff", "palette.dds", "16_bit_binary_pgm.tiff", "ultrahdr.jpg", "bmp_q_pal8os2v2-16.bmp",
)  # fmt: skip
# Decoders of AV1 bring up colours of half resolution each in its own way.
AVIF_DIFFERENCE = 1.5
DIFFERENCE = 0.25
SCORE_BELOW = 5.0
SCORED_SIDE = 100  # smaller pictures have too little for the score to go by

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """One line of the table.

    Attributes:
        error: the class that it is refused with.
        different: how many frames differ from the one before them; the first counts.
        plays: how often it runs; 0 for ever.
    """

    name: str
    error: str = ""
    size: tuple[int, int] = (0, 0)
    alpha: bool = False
    different: int = 1
    frames: int = 1
    milliseconds: int = 0
    plays: int = 0

    @classmethod
    def of(cls, line: str) -> Self:
        """`name  128×64  alpha  2 of 3 frames differ  200 ms  ever plays`, or `name  CorruptMedia`."""
        name, first, *others = line.split()
        if not others:
            return cls(name, first)
        width, height = map(int, first.split("×"))
        still = cls(name, size=(width, height), alpha=others[0] == "alpha")
        if len(others) == 1:
            return still
        plays = 0 if others[8] == "ever" else int(others[8])
        return dataclasses.replace(
            still,
            different=int(others[1]),
            frames=int(others[3]),
            milliseconds=int(others[6]),
            plays=plays,
        )


TABLE = {
    line.split()[0]: Expected.of(line) for line in (HERE / "tricky.txt").read_text().splitlines()
}
here = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
both_engines = pytest.mark.parametrize("engine", ["auto", "pillow"])


@here
def test_table_and_folder_are_of_the_same_files() -> None:
    assert {path.name for path in (CORPUS / "tricky").iterdir()} == set(TABLE)


@here
@both_engines
@pytest.mark.parametrize("name", TELLING)
def test_telling_file_is_right(engine: EngineName, name: str, tmp_path: Path) -> None:
    is_right(engine, TABLE[name], tmp_path)


@here
@pytest.mark.slow
@pytest.mark.timeout(600)
@both_engines
@pytest.mark.parametrize("name", TABLE)
def test_every_tricky_file_is_right(engine: EngineName, name: str, tmp_path: Path) -> None:
    is_right(engine, TABLE[name], tmp_path)


@here
@pytest.mark.slow
@pytest.mark.timeout(600)
@both_engines
@pytest.mark.parametrize(
    "source", sorted((CORPUS / "photos").glob("*")), ids=lambda path: path.stem
)
def test_every_photo_is_right(engine: EngineName, source: Path, tmp_path: Path) -> None:
    expected = Expected(source.name, size=reference(source).size)
    looks_right(engine, source, expected, tmp_path)


def is_right(engine: EngineName, expected: Expected, directory: Path) -> None:
    source = CORPUS / "tricky" / expected.name
    if expected.error:
        is_refused(engine, source, getattr(errors, expected.error), directory)
    else:
        is_the_same_picture(engine, source, expected, directory)
        is_the_same_animation(engine, source, expected, directory)
        looks_right(engine, source, expected, directory)


def is_refused(engine: EngineName, source: Path, error: type[Exception], directory: Path) -> None:
    with pytest.raises(error):
        select.render(engine, LIMITS, source, web(), directory)
    assert list(directory.iterdir()) == []


def is_the_same_picture(
    engine: EngineName, source: Path, expected: Expected, directory: Path
) -> None:
    """At its own size and without loss, it has the reference's pixels."""
    select.render(engine, LIMITS, source, [Target("same", "png")], directory)
    wanted = reference(source)
    with Image.open(directory / "same.png") as image:
        made = image.convert("RGBA")
    assert made.size == wanted.size == expected.size
    allowed = AVIF_DIFFERENCE if source.suffix.startswith(".avif") else DIFFERENCE
    assert np.abs(seen(made) - seen(wanted)).mean() <= allowed
    assert np.abs(alpha(made) - alpha(wanted)).max() <= 1


def is_the_same_animation(
    engine: EngineName, source: Path, expected: Expected, directory: Path
) -> None:
    select.render(engine, LIMITS, source, [Target("moving", "png", animated=True)], directory)
    with Image.open(directory / "moving.png") as image:
        moves_right(image, expected, "png")
    if expected.frames > 1:
        shows_every_frame(source, expected, directory / "moving.png")


def shows_every_frame(source: Path, expected: Expected, made: Path) -> None:
    """But those that look like the one before, which PNG need not have."""
    wanted, shown = unlike(all_frames(source)), unlike(all_frames(made))
    assert len(wanted) == len(shown) == expected.different
    for one, other in zip(shown, wanted, strict=True):
        if source.suffix == ".avifs":
            assert np.abs(premultiplied(one) - premultiplied(other)).mean() <= AVIF_DIFFERENCE
            assert np.abs(one[..., 3] - other[..., 3]).max() <= 1
        else:
            assert differs(one, other) <= 1


def looks_right(engine: EngineName, source: Path, expected: Expected, directory: Path) -> None:
    """As the preset `web` makes it: the size, the frames, the transparency, and the look."""
    made = select.render(engine, LIMITS, source, web(), directory)
    for rendered in made:
        assert isinstance(rendered.wish, Target)
        with Image.open(directory / rendered.wish.file) as image:
            assert image.size == (rendered.width, rendered.height)
            assert not {"exif", "xmp", "icc_profile"} & image.info.keys()
            assert not image.getexif()
            if rendered.wish.fit == "inside":
                assert image.size == inside(expected.size, rendered.wish.width or 0)
                moves_right(image, expected, rendered.wish.format)
    scores_well(reference(source), directory / "w640.webp", directory / "reference.png")


def moves_right(image: Image.Image, expected: Expected, kind: str) -> None:
    frames = moments(image)
    assert any(alpha(frame).min() < 250 for frame, _ in frames) == expected.alpha
    if expected.frames == 1:
        assert len(frames) == 1
        return
    # What looks the same is one frame in WebP and PNG, and lossy, a little more does.
    fewest = {
        "webp": max(1, expected.different - 1),
        "png": expected.different,
        "avif": expected.frames,
    }[kind]
    assert fewest <= len(frames) <= expected.frames
    if len(frames) > 1:
        assert sum(milliseconds for _, milliseconds in frames) == expected.milliseconds
        assert kind == "avif" or image.info["loop"] == expected.plays


def moments(image: Image.Image) -> list[tuple[Image.Image, int]]:
    frames = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        frames.append((image.convert("RGBA"), round(image.info.get("duration") or 0)))
    return frames


def scores_well(wanted: Image.Image, made: Path, scratch: Path) -> None:
    """By SSIMULACRA2, nearly as well as the reference in the same format and quality."""
    with Image.open(made) as image:
        first = image.convert("RGBA")
    if min(first.size) < SCORED_SIDE:
        return
    truth = wanted.resize(first.size, Image.Resampling.LANCZOS)
    truth.save(scratch.with_suffix(".webp"), quality=80)
    with Image.open(scratch.with_suffix(".webp")) as image:
        encoded = image.convert("RGBA")
    on_grey(truth).save(scratch)
    assert score(scratch, first) > score(scratch, encoded) - SCORE_BELOW


def score(truth: Path, image: Image.Image) -> float:
    on_grey(image).save(truth.with_name("seen.png"))
    return float(compute_ssimulacra2(str(truth), str(truth.with_name("seen.png"))))


def on_grey(image: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", image.size, "grey")
    return Image.alpha_composite(ground, image).convert("RGB")


def web() -> list[Target]:
    return [
        wish
        for recipe in plan(None, PHOTOS)
        for wish in recipe.wishes()
        if isinstance(wish, Target)
    ]


def inside(size: tuple[int, int], box: int) -> tuple[int, int]:
    scale = min(1.0, box / size[0], 16383 / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def seen(image: Image.Image) -> Values:
    values = np.asarray(image, dtype=np.float64)
    return values[..., :3] * values[..., 3:] / 255


def alpha(image: Image.Image) -> Values:
    return np.asarray(image.getchannel("A"), dtype=np.float64)
