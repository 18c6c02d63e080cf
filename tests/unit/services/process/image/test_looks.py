"""What outputs show, beside their size: the same on every engine unless it says otherwise."""

import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from services.process.image.engine import Engine, Format, Limits, Target
from services.process.image.look import Cut, Look, Watermark
from services.process.image.operations import PHOTOS
from services.process.image.pillow.engine import Pillow
from services.process.image.select import InTurn
from services.process.plan import plan
from shared.errors import InvalidJob, UnsupportedMedia
from shared.jobs import Operation
from tests.unit.services.process.image.reference import reference

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 40), (30, 40, 220), (250, 250, 250)
GPS, CAMERA, ORIENTATION = 0x8825, 0x0110, 0x0112


def one(engine: Engine, source: Path, target: Target, directory: Path) -> Image.Image:
    engine.render(source, [target], directory)
    with Image.open(directory / target.file) as image:
        image.load()
        return image


def alike(actual: object, wanted: tuple[int, ...], tolerance: int = 12) -> bool:
    assert isinstance(actual, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(actual, wanted, strict=True))


@pytest.mark.parametrize(
    ("focus", "colour"), [((0.0, 0.5), RED), ((0.5, 0.5), GREEN), ((0.9, 0.1), BLUE)]
)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_cover_keeps_the_point(
    engine: Engine, focus: Any, colour: Any, orientation: int, wide: Path, tmp_path: Path
) -> None:
    undo = {1: 0, 3: 180, 6: 90, 8: 270}[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    with Image.open(wide) as image:
        image.rotate(undo, expand=True).save(tmp_path / "turned.png", exif=exif)
    target = Target("a", "png", width=50, height=50, fit="cover", focus=focus)
    square = one(engine, tmp_path / "turned.png", target, tmp_path).convert("RGB")
    assert square.size == (50, 50)
    assert all(alike(square.getpixel(at), colour) for at in ((4, 25), (25, 25), (45, 25)))


def test_cover_keeps_what_draws_attention(engine: Engine, tmp_path: Path) -> None:
    """Each engine has a measure of its own; on such a picture they agree."""
    for middle in (60, 340):
        image = Image.new("RGB", (400, 100), (128, 128, 128))
        draw = ImageDraw.Draw(image)
        for ring in range(40, 0, -8):
            colour = (230, 180, 40) if ring % 16 else (200, 30, 40)
            draw.ellipse((middle - ring, 50 - ring, middle + ring, 50 + ring), fill=colour)
        image.save(tmp_path / "motif.png")
        name = f"a{middle}"
        target = Target(name, "png", width=100, height=100, fit="cover", focus="attention")
        square = one(engine, tmp_path / "motif.png", target, tmp_path).convert("RGB")
        assert square.size == (100, 100)
        colours = square.getcolors(10000)
        assert colours is not None
        grey = sum(count for count, colour in colours if alike(colour, (128, 128, 128)))
        assert grey < 6500  # of 10,000; without the motif all are


def test_contain_fills_up_the_box(engine: Engine, wide: Path, tmp_path: Path) -> None:
    box: dict[str, Any] = {"width": 120, "height": 80, "fit": "contain"}
    clear = one(engine, wide, Target("a", "png", **box), tmp_path)
    assert (clear.size, clear.mode) == ((120, 80), "RGBA")
    assert [clear.getpixel((60, y)) for y in (2, 77)] == [(0, 0, 0, 0)] * 2
    assert alike(clear.getpixel((60, 40)), (*GREEN, 255))
    white = one(engine, wide, Target("b", "jpeg", **box), tmp_path)
    assert alike(white.getpixel((60, 3)), (255, 255, 255))
    ground = one(engine, wide, Target("c", "png", background=RED, **box), tmp_path)
    assert (ground.mode, ground.getpixel((60, 2))) == ("RGB", RED)


def test_contain_makes_a_smaller_box_for_a_smaller_picture(
    engine: Engine, wide: Path, tmp_path: Path
) -> None:
    target = Target("a", "png", width=600, height=600, fit="contain")
    assert one(engine, wide, target, tmp_path).size == (300, 300)


@pytest.mark.parametrize("kind", ["webp", "png", "avif"])
def test_transparency_is_laid_on_the_background(
    engine: Engine, kind: Format, tmp_path: Path
) -> None:
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    seen = one(engine, tmp_path / "clear.png", Target("a", kind, background=GREEN), tmp_path)
    assert not seen.has_transparency_data
    assert alike(seen.convert("RGB").getpixel((20, 15)), GREEN)


@pytest.mark.parametrize(
    ("cut", "size", "colour"),
    [
        (Cut(100, 0, 100, 40), (100, 40), GREEN),
        (Cut(250, 20, 500, 500), (50, 80), BLUE),
        (Cut(0, 0, 30, 100, percent=True), (90, 100), RED),
    ],
)
def test_crop_shows_the_part(
    engine: Engine, cut: Cut, size: Any, colour: Any, wide: Path, tmp_path: Path
) -> None:
    part = one(engine, wide, Target("a", "png", cut=cut), tmp_path).convert("RGB")
    assert part.size == size
    corners = [(1, 1), (size[0] - 2, 1), (1, size[1] - 2), (size[0] - 2, size[1] - 2)]
    assert all(alike(part.getpixel(at), colour) for at in corners)


def test_crop_outside_of_the_picture_is_refused(engine: Engine, wide: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMedia, match="outside of the picture, which has 300×100 pixels"):
        one(engine, wide, Target("a", "png", cut=Cut(300, 0, 5, 5)), tmp_path)


@pytest.mark.parametrize(
    ("position", "at"),
    [
        ("top-left", (4, 4)),
        ("bottom-right", (295, 95)),
        ("centre", (150, 50)),
        ("right", (295, 50)),
    ],
)
def test_watermark_lies_where_it_shall(
    engine: Engine, position: Any, at: tuple[int, int], wide: Path, tmp_path: Path
) -> None:
    with Image.open(wide) as image:
        white = Image.new("RGB", image.size, WHITE)
    white.save(tmp_path / "white.png")
    mark = Watermark("logo", position, scale=0.1, opacity=1.0, margin=0.02)
    marked = one(engine, tmp_path / "white.png", Target("a", "png", watermark=mark), tmp_path)
    assert marked.mode == "RGB"
    assert alike(marked.getpixel(at), BLUE)
    colours = marked.getcolors()
    assert colours is not None
    assert sum(count for count, colour in colours if alike(colour, BLUE)) == 30 * 30


def test_watermark_is_seen_through(engine: Engine, wide: Path, tmp_path: Path) -> None:
    Image.new("RGBA", (100, 100), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    mark = Watermark("logo", "centre", scale=0.5, opacity=0.5)
    marked = one(engine, tmp_path / "clear.png", Target("a", "png", watermark=mark), tmp_path)
    assert alike(marked.getpixel((50, 50)), (*BLUE, 128), 2)
    assert marked.getpixel((5, 5)) == (255, 255, 255, 0) or marked.getpixel((5, 5)) == (0, 0, 0, 0)


def test_watermark_that_is_not_there_is_named(engine: Engine, wide: Path, tmp_path: Path) -> None:
    target = Target("a", "png", watermark=Watermark("nosuch"))
    with pytest.raises(InvalidJob, match="there is no 'nosuch' in WATERMARKS_DIR"):
        one(engine, wide, target, tmp_path)


def worst() -> Image.Image:
    chance = random.Random(7)
    return Image.frombytes("RGBA", (32, 32), chance.randbytes(32 * 32 * 4))


def test_low_quality_is_never_over_two_kilobytes(engine: Engine, tmp_path: Path) -> None:
    worst().save(tmp_path / "noise.png")
    (target,) = plan((Operation(op="low-quality"),), PHOTOS)[0].wishes()
    (rendered,) = engine.render(tmp_path / "noise.png", [target], tmp_path)
    assert rendered.size <= 2048
    assert (rendered.width, rendered.height) == (32, 32)


# ── metadata ─────────────────────────────────────────────────────────────────────────────────


def tagged(path: Path, place: bool = True) -> Path:
    exif = Image.Exif()
    exif[CAMERA], exif[ORIENTATION] = "A camera", 6
    exif.get_ifd(0x8769)[0xA430] = "The owner"
    if place:
        exif.get_ifd(GPS)[1] = "N"
    Image.new("RGB", (60, 40), "red").save(path, exif=exif, comment=b"secret")
    return path


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg", "png"])
def test_metadata_come_along_only_when_asked(engine: Engine, kind: Format, tmp_path: Path) -> None:
    source = tagged(tmp_path / "tagged.jpg")
    bare = one(engine, source, Target("bare", kind), tmp_path).getexif()
    some = one(engine, source, Target("some", kind, metadata="exif"), tmp_path).getexif()
    every = one(engine, source, Target("every", kind, metadata="all"), tmp_path)
    assert not bare
    assert (some[CAMERA], some.get(ORIENTATION, 1)) == ("A camera", 1)
    assert not some.get_ifd(GPS)
    assert b"The owner" not in (tmp_path / Target("some", kind).file).read_bytes()
    assert every.getexif().get_ifd(GPS)[1] == "N"
    assert every.size == (40, 60)
    assert "comment" not in every.info


def test_metadata_of_a_file_without_any(engine: Engine, wide: Path, tmp_path: Path) -> None:
    assert not one(engine, wide, Target("a", "webp", metadata="all"), tmp_path).getexif()


# ── formats ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["webp", "png"])
def test_more_effort_makes_no_larger_files(
    engine: Engine, kind: Format, mountains: Path, tmp_path: Path
) -> None:
    fast, best = engine.render(
        mountains, [Target(e, kind, width=320, effort=e) for e in ("fast", "best")], tmp_path
    )
    assert best.size < fast.size


def test_format_without_a_codec_is_refused_by_name(wide: Path, tmp_path: Path) -> None:
    pillow = Pillow(Limits(pixels=10**8))
    pillow.formats = frozenset({"webp", "png"})
    engine = InTurn((pillow,))
    with pytest.raises(UnsupportedMedia, match="formats: no codec for jxl is installed here"):
        engine.render(wide, [Target("a", "jxl")], tmp_path)


def test_formats_that_no_engine_has_together_are_refused_by_name(
    wide: Path, tmp_path: Path
) -> None:
    one, other = Pillow(Limits(pixels=10**8)), Pillow(Limits(pixels=10**8))
    one.formats, other.formats = frozenset({"webp"}), frozenset({"png"})
    with pytest.raises(UnsupportedMedia, match="formats: no engine here writes png, webp together"):
        InTurn((one, other)).render(wide, [Target("a", "webp"), Target("a", "png")], tmp_path)


def test_contain_that_leaves_no_room_adds_no_transparency(
    engine: Engine, wide: Path, tmp_path: Path
) -> None:
    engine.render(wide, [Target("a", "png", width=150, height=50, fit="contain")], tmp_path)
    with Image.open(tmp_path / "a.png") as image:
        assert (image.size, image.mode) == ((150, 50), "RGB")


def test_contain_keeps_what_is_transparent(engine: Engine, tmp_path: Path) -> None:
    Image.new("RGBA", (60, 60), (200, 30, 10, 128)).save(tmp_path / "glass.png")
    target = Target("a", "png", width=60, height=30, fit="contain")
    image = one(engine, tmp_path / "glass.png", target, tmp_path)
    assert (image.size, image.mode) == ((60, 30), "RGBA")
    assert alike(image.getpixel((30, 15)), (200, 30, 10, 128), 1)
    assert alike(image.getpixel((2, 15)), (0, 0, 0, 0), 0)


def test_look_of_nothing_is_the_whole_picture(engine: Engine, wide: Path, tmp_path: Path) -> None:
    assert Look() == Look(width=None, height=None, fit="inside", focus="centre")
    assert one(engine, wide, Target("a", "png"), tmp_path).size == (300, 100)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((1, 1), [(1, 1), (1, 1), (1, 1), (1, 1)]),
        ((1, 10000), [(1, 10000), (1, 10000), (1, 10000), (1, 1)]),
        ((17000, 40), [(640, 2), (1024, 2), (1920, 5), (40, 40)]),
    ],
)
def test_extreme_shapes_go_through_web(
    engine: Engine, size: Any, wanted: list[Any], tmp_path: Path
) -> None:
    Image.new("RGB", size, RED).save(tmp_path / "long.png")
    wishes = [wish for recipe in plan(None, PHOTOS) for wish in recipe.wishes()]
    made = engine.render(tmp_path / "long.png", wishes, tmp_path)
    assert list(dict.fromkeys((r.width, r.height) for r in made)) == list(dict.fromkeys(wanted))


def test_picture_too_long_for_webp_is_made_shorter(engine: Engine, tmp_path: Path) -> None:
    Image.new("RGB", (20000, 10), RED).save(tmp_path / "long.png")
    webp, png = engine.render(
        tmp_path / "long.png", [Target("a", "webp"), Target("a", "png")], tmp_path
    )
    assert (webp.width, webp.height, png.width, png.height) == (16383, 8, 20000, 10)


def test_inks_of_a_known_press_become_srgb(engine: Engine, mountains: Path, tmp_path: Path) -> None:
    """A file with libvips' own CMYK profile looks as littleCMS says."""
    import pyvips

    photo = pyvips.Image.thumbnail(str(mountains), 200).copy_memory()
    inks = photo.copy(interpretation="srgb").icc_export(output_profile="cmyk", intent="relative")
    inks.jpegsave(str(tmp_path / "inks.jpg"), Q=97)
    with Image.open(tmp_path / "inks.jpg") as image:
        assert (image.mode, "icc_profile" in image.info) == ("CMYK", True)
    seen = one(engine, tmp_path / "inks.jpg", Target("a", "png"), tmp_path).convert("RGB")
    wanted = reference(tmp_path / "inks.jpg").convert("RGB")
    assert difference(seen, wanted) < 1.5
    with Image.open(tmp_path / "inks.jpg") as image:
        assert difference(seen, image.convert("RGB")) > 10  # as if there were no profile


def difference(one: Image.Image, other: Image.Image) -> float:
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / len(one.tobytes())
