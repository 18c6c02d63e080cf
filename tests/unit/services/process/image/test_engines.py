"""What every image engine must do: the same tests run on each."""

import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.process.image.encoding.ssimulacra2 import Original
from services.process.image.engine import Effort, Engine, Format, Limits, Rendered, Target
from services.process.image.gpu.engine import LINE, Cuda
from services.process.image.operations import PHOTOS
from services.process.image.pillow.engine import Pillow
from services.process.image.vips.engine import Vips
from services.process.plan import plan
from shared.errors import CorruptMedia, MillraceError, Reject, SourceTooLarge, UnsupportedMedia
from tests.unit.services.process.image import profiles
from tests.unit.services.process.image.turned import UNDO

Colour = tuple[int, ...]
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 40), (30, 40, 220), (250, 250, 250)
CORPUS = Path(__file__).parents[6] / "shared" / "corpus"


@pytest.fixture(params=[Pillow, Vips, Cuda])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param is Cuda:
        request.getfixturevalue("line")
    made: Engine = request.param(Limits(pixels=100_000_000))
    yield made
    assert LINE.use.fault is None


def one(engine: Engine, source: Path, target: Target, directory: Path) -> Image.Image:
    """The one output, decoded."""
    engine.render(source, [target], directory)
    with Image.open(directory / target.file) as image:
        image.load()
        return image


def saved(directory: Path, name: str, image: Image.Image, **options: Any) -> Path:
    path = directory / name
    image.save(path, **options)
    return path


def alike(actual: object, wanted: Colour, tolerance: int = 12) -> bool:
    assert isinstance(actual, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(actual, wanted, strict=True))


def quarters(width: int = 120, height: int = 80) -> Image.Image:
    """Red, green over blue, white."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def test_web_preset_on_a_photo(engine: Engine, mountains: Path, tmp_path: Path) -> None:
    targets = [target for recipe in plan(None, PHOTOS) for target in recipe.wishes()]
    made = engine.render(mountains, targets, tmp_path)
    assert [(r.wish.file, r.width, r.height) for r in made] == [
        ("w640.webp", 640, 480),
        ("w640.avif", 640, 480),
        ("w1024.webp", 1024, 768),
        ("w1024.avif", 1024, 768),
        ("w1920.webp", 1920, 1440),
        ("w1920.avif", 1920, 1440),
        ("thumbnail.webp", 150, 150),
    ]
    assert {path.name for path in tmp_path.iterdir()} == {r.wish.file for r in made}
    for rendered in made:
        assert_true_of_its_file(rendered, tmp_path)


def assert_true_of_its_file(rendered: Rendered, directory: Path) -> None:
    data = (directory / rendered.wish.file).read_bytes()
    assert (rendered.size, rendered.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (rendered.width, rendered.height)
        assert image.get_format_mimetype() == rendered.wish.media_type


def test_outputs_look_like_the_photo(engine: Engine, mountains: Path, tmp_path: Path) -> None:
    with Image.open(mountains) as photo:
        wanted = photo.convert("RGB").resize((64, 48), Image.Resampling.BOX)
    for kind in ("webp", "avif", "jpeg", "png"):
        small = one(engine, mountains, Target("a", kind, width=640), tmp_path).convert("RGB")
        seen = small.resize((64, 48), Image.Resampling.BOX)
        pairs = zip(seen.tobytes(), wanted.tobytes(), strict=True)
        assert sum(abs(a - b) for a, b in pairs) / (64 * 48 * 3) < 4


def test_decoder_that_shrinks_does_not_shift(
    engine: Engine, mountains: Path, tmp_path: Path
) -> None:
    with Image.open(mountains) as photo:
        odd = photo.convert("RGB").resize((809, 531), Image.Resampling.LANCZOS)
    source = saved(tmp_path, "odd.jpg", odd, quality=95)
    small = one(engine, source, Target("a", "png", width=48), tmp_path).convert("RGB")
    wanted = odd.resize(small.size, Image.Resampling.LANCZOS)
    pairs = zip(small.tobytes(), wanted.tobytes(), strict=True)
    assert sum(abs(a - b) for a, b in pairs) / len(wanted.tobytes()) < 2.5


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_photo_of_odd_sides_is_as_true_as_another(
    engine: Engine, kind: str, mountains: Path, tmp_path: Path
) -> None:
    """Half a pixel beside its place would cost more than 20 points."""
    with Image.open(mountains) as photo:
        odd = photo.crop((0, 0, 3263, 2447))
    source = saved(tmp_path, f"odd.{kind}", odd, quality=95)
    small = one(engine, source, Target("a", "png", width=500), tmp_path).convert("RGB")
    wanted = Original(np.asarray(odd.resize(small.size, Image.Resampling.LANCZOS)))
    assert wanted.score(np.asarray(small)) > 85


@pytest.mark.parametrize(
    ("kind", "size", "side"),
    [
        ("png", (1203, 900), 150),
        ("png", (1215, 900), 150),
        ("png", (1001, 1000), 500),
        ("jpg", (1604, 1200), 150),
        ("jpg", (1203, 900), 150),
        ("jpg", (2001, 1000), 500),
    ],
)
def test_a_cover_lies_where_it_belongs(
    engine: Engine, kind: str, size: tuple[int, int], side: int, mountains: Path, tmp_path: Path
) -> None:
    """Most of these sides are a whole number of outputs and a half."""
    width, height = size
    with Image.open(mountains) as photo:
        part = photo.crop((0, 0, width, height))
    source = saved(tmp_path, f"wide.{kind}", part, quality=95)
    target = Target("a", "png", width=side, height=side, fit="cover")
    small = one(engine, source, target, tmp_path).convert("RGB")
    beside = (width - height) / 2
    middle = (beside, 0, width - beside, height)
    wanted = Original(np.asarray(part.resize((side, side), Image.Resampling.LANCZOS, middle)))
    assert wanted.score(np.asarray(small)) > 85


def test_is_never_enlarged(engine: Engine, tmp_path: Path) -> None:
    source = saved(tmp_path, "small.png", quarters())
    inside = one(engine, source, Target("inside", "webp", width=1920), tmp_path)
    cover = one(
        engine, source, Target("cover", "webp", width=150, height=150, fit="cover"), tmp_path
    )
    assert (inside.size, cover.size) == ((120, 80), (80, 80))


def test_cover_shows_the_middle(engine: Engine, tmp_path: Path) -> None:
    wide = Image.new("RGB", (900, 300), RED)
    wide.paste(GREEN, (300, 0, 600, 300))
    source = saved(tmp_path, "wide.png", wide)
    middle = one(
        engine, source, Target("a", "png", width=100, height=100, fit="cover"), tmp_path
    ).convert("RGB")
    assert alike(middle.getpixel((3, 50)), GREEN)
    assert alike(middle.getpixel((96, 50)), GREEN)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "webp", "png"])
def test_orientation_is_applied(
    engine: Engine, orientation: int, kind: str, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = quarters().transpose(UNDO[orientation]) if orientation > 1 else quarters()
    source = saved(tmp_path, f"turned.{kind}", stored, quality=95, exif=exif)
    upright = one(engine, source, Target("a", "png", width=60), tmp_path).convert("RGB")
    assert upright.size == (60, 40)
    corners = [upright.getpixel(at) for at in ((8, 8), (52, 8), (8, 32), (52, 32))]
    assert all(map(alike, corners, (RED, GREEN, BLUE, WHITE)))
    assert not upright.getexif()


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_colours_become_srgb(engine: Engine, kind: str, tmp_path: Path) -> None:
    image = Image.new("RGB", (300, 200), RED)
    source = saved(tmp_path, f"p.{kind}", image, quality=95, icc_profile=profiles.red_for_blue())
    converted = one(engine, source, Target("a", "png", width=100), tmp_path)
    assert "icc_profile" not in converted.info
    seen = converted.convert("RGB").getpixel((50, 30))
    assert alike(seen, (30, 30, 220), 25)


def test_broken_profile_counts_as_none(engine: Engine, tmp_path: Path) -> None:
    image = Image.new("RGB", (300, 200), RED)
    source = saved(tmp_path, "p.png", image, icc_profile=b"no profile at all" * 20)
    assert alike(one(engine, source, Target("a", "png", width=100), tmp_path).getpixel((5, 5)), RED)


def test_cmyk(engine: Engine, tmp_path: Path) -> None:
    image = Image.new("CMYK", (300, 200), (0, 255, 255, 0))
    source = saved(tmp_path, "cmyk.jpg", image, quality=95)
    seen = one(engine, source, Target("a", "png", width=100), tmp_path).getpixel((5, 5))
    assert isinstance(seen, tuple)
    assert seen[0] > 200 > 90 > max(seen[1:])


def test_grey_of_sixteen_bits(engine: Engine, tmp_path: Path) -> None:
    image = Image.new("I;16", (300, 200), 128 * 257)
    source = saved(tmp_path, "deep.png", image)
    seen = one(engine, source, Target("a", "png", width=100), tmp_path).convert("RGB")
    assert alike(seen.getpixel((5, 5)), (128, 128, 128), 3)


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_other_modes(engine: Engine, mode: str, tmp_path: Path) -> None:
    source = saved(tmp_path, "white.png", Image.new("RGB", (300, 200), "white").convert(mode))
    seen = one(engine, source, Target("a", "webp", width=100), tmp_path).convert("RGB")
    assert alike(seen.getpixel((5, 5)), (255, 255, 255), 3)


@pytest.mark.parametrize("made", ["webp", "avif", "png"])
@pytest.mark.parametrize("kind", ["png", "gif"])
def test_transparency_stays(engine: Engine, made: Format, kind: str, tmp_path: Path) -> None:
    reads(engine, kind)
    image = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    image.paste((*WHITE, 255), (150, 0, 300, 200))
    source = saved(tmp_path, f"alpha.{kind}", image)
    seen = one(engine, source, Target("a", made, width=100), tmp_path)
    alpha = seen.convert("RGBA").getchannel("A")
    assert (alpha.getpixel((20, 30)), alpha.getpixel((80, 30))) == (0, 255)


def test_transparency_becomes_white_in_jpeg(engine: Engine, tmp_path: Path) -> None:
    source = saved(tmp_path, "alpha.png", Image.new("RGBA", (300, 200), (0, 0, 0, 0)))
    seen = one(engine, source, Target("a", "jpeg", width=100), tmp_path)
    assert alike(seen.getpixel((50, 30)), (255, 255, 255), 3)


def test_what_is_transparent_does_not_bleed_into_the_rest(engine: Engine, tmp_path: Path) -> None:
    image = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (150, 0, 300, 200))
    source = saved(tmp_path, "alpha.png", image)
    for blur in (0.0, 5.0):
        seen = one(engine, source, Target(f"b{blur:g}", "png", width=101, blur=blur), tmp_path)
        row = [seen.getpixel((x, 30)) for x in range(101)]
        half = [pixel for pixel in row if isinstance(pixel, tuple) and 100 < pixel[3] < 255]
        assert half
        assert all(min(pixel[:3]) > 245 for pixel in half)


def test_metadata_are_stripped(engine: Engine, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    source = saved(tmp_path, "tagged.jpg", quarters(), exif=exif, comment=b"secret place")
    for kind in ("webp", "avif", "jpeg", "png"):
        image = one(engine, source, Target("a", kind, width=60), tmp_path)
        assert not image.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()
        assert b"secret place" not in (tmp_path / f"a.{EXTENSION[kind]}").read_bytes()


EXTENSION = {"webp": "webp", "avif": "avif", "jpeg": "jpg", "png": "png"}


def test_threads_change_no_byte(engine: Engine, tmp_path: Path) -> None:
    source = saved(tmp_path, "photo.png", quarters(400, 300))
    wishes = [wish for recipe in plan(None, PHOTOS) for wish in recipe.wishes()]
    made = []
    for threads in (1, 4):
        directory = tmp_path / str(threads)
        directory.mkdir()
        made.append(engine.render(source, wishes, directory, threads))
    assert made[0] == made[1]


@pytest.mark.parametrize("effort", ["fast", "balanced", "best"])
def test_png_of_a_photo_is_as_small_as_with_filters(
    engine: Engine, effort: Effort, mountains: Path, tmp_path: Path
) -> None:
    """Each row as what it adds to the one above, or to its own left."""
    (made,) = engine.render(mountains, [Target("a", "png", width=400, effort=effort)], tmp_path)
    with Image.open(tmp_path / "a.png") as image:
        assert made.size < 0.9 * len(zlib.compress(image.tobytes(), 6))


def test_blur_softens_edges(engine: Engine, tmp_path: Path) -> None:
    source = saved(tmp_path, "edge.png", quarters())
    sharp = one(engine, source, Target("sharp", "png", width=120), tmp_path).convert("RGB")
    soft = one(engine, source, Target("soft", "png", width=120, blur=6), tmp_path).convert("RGB")
    assert alike(sharp.getpixel((56, 20)), RED)
    assert not alike(soft.getpixel((56, 20)), RED, 30)
    assert alike(soft.getpixel((10, 10)), RED)


def test_low_quality_is_tiny_even_for_noise(engine: Engine, tmp_path: Path) -> None:
    noise = Image.effect_noise((64, 64), 100)
    source = saved(tmp_path, "noise.png", Image.merge("RGBA", [noise] * 4))
    (target,) = PHOTOS.recipes["low-quality"](name="tiny").wishes()
    (rendered,) = engine.render(source, [target], tmp_path)
    assert rendered.size < 2048
    assert {rendered.width, rendered.height} == {32}


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "gif"])
def test_truncated_file_is_corrupt(
    engine: Engine, kind: str, mountains: Path, tmp_path: Path
) -> None:
    reads(engine, kind)
    with Image.open(mountains) as photo:
        whole = saved(tmp_path, f"whole.{kind}", photo.resize((400, 300)))
    part = tmp_path / f"part.{kind}"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    refuses(engine, part, tmp_path, CorruptMedia, "damaged")


def test_too_many_pixels_are_refused_before_decoding(engine: Engine, tmp_path: Path) -> None:
    small = type(engine)(Limits(pixels=9_000))  # type: ignore[call-arg]
    source = saved(tmp_path, "large.png", quarters())
    refuses(small, source, tmp_path, SourceTooLarge, "0.009 million pixels")


@pytest.mark.parametrize("content", [b"", b"Not a photo, but a text.\n" * 50, b"\xff\xd8\xff"])
def test_no_picture_is_refused(engine: Engine, content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(content)
    refuses(engine, source, tmp_path, (UnsupportedMedia, CorruptMedia), "picture")


def reads(engine: Engine, kind: str) -> None:
    if kind == "gif" and isinstance(engine, Vips):
        pytest.skip("GIF is left to Pillow")


def refuses(
    engine: Engine,
    source: Path,
    directory: Path,
    error: type[MillraceError] | tuple[type[MillraceError], ...],
    word: str,
) -> None:
    out = directory / "out"
    out.mkdir()
    with pytest.raises(error) as refusal:
        engine.render(source, [Target("a"), Target("b", width=10)], out)
    assert word in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert list(out.iterdir()) == []


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
@pytest.mark.parametrize("folder", ["tricky", "hostile"])
def test_corpus_is_rendered_or_rejected(engine: Engine, folder: str, tmp_path: Path) -> None:
    rendered, sentences = 0, list[str]()
    for number, source in enumerate(sorted((CORPUS / folder).iterdir())):
        out = tmp_path / str(number)
        out.mkdir()
        try:
            made = engine.render(
                source, [Target("a", width=50), Target("b", "jpeg", width=20)], out
            )
            rendered += len(made) == 2
        except Reject as refusal:
            sentences.append(str(refusal))
    assert not [sentence for sentence in sentences if "\n" in sentence]
    assert rendered > (80 if folder == "tricky" else 0)
