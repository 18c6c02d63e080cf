"""Animations: what is kept of them in the formats that move."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from services.process.image.engine import Format, Limits, Target
from services.process.image.select import EngineName, render
from shared.errors import SourceTooLarge

LIMITS = Limits(pixels=10**8, frames=20)
MILLISECONDS = (40, 200, 70, 500)
SIZE = (60, 40)
GREEN = (0, 200, 0, 255)
sources = pytest.mark.parametrize("kind", ["gif", "png", "webp"])
engines = pytest.mark.parametrize("engine", ["auto", "pillow"])


def drawn(place: int) -> Image.Image:
    """A square on nothing, which wanders."""
    image = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((place, 10, place + 19, 29), fill=GREEN)
    return image


def saved(
    path: Path,
    frames: list[Image.Image],
    plays: int = 3,
    milliseconds: tuple[int, ...] = MILLISECONDS,
) -> Path:
    loop: dict[str, Any] = {"loop": plays}
    if path.suffix == ".gif" and plays:  # which counts how often it is repeated, if it is
        loop = {"loop": plays - 1} if plays > 1 else {}
    first, *others = frames
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=list(milliseconds[: len(frames)]),
        **loop,
        disposal=2 if path.suffix == ".gif" else 1,
        lossless=True,
        kmin=0,  # whole frames, for what lies around a part of one would count as opaque
        kmax=1,
    )
    return path


@pytest.fixture
def frames() -> list[Image.Image]:
    return [drawn(place) for place in (0, 10, 20, 40)]


def shown(path: Path) -> list[tuple[Image.Image, int]]:
    with Image.open(path) as image:
        moments = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            moments.append((image.convert("RGBA"), round(image.info.get("duration", 0))))
        return moments


@engines
@sources
def test_png_has_every_frame_as_it_is(
    engine: EngineName, kind: str, frames: list[Image.Image], tmp_path: Path
) -> None:
    source = saved(tmp_path / f"a.{kind}", frames)
    (made,) = render(engine, LIMITS, source, [Target("b", "png", animated=True)], tmp_path)
    moments = shown(tmp_path / "b.png")
    assert (made.width, made.height) == SIZE
    assert [milliseconds for _, milliseconds in moments] == list(MILLISECONDS)
    for (frame, _), wanted in zip(moments, frames, strict=True):
        assert frame.getchannel("A").tobytes() == wanted.getchannel("A").tobytes()
        assert frame.getpixel((5, 0)) == wanted.getpixel((5, 0))
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["loop"] == 3


@sources
@pytest.mark.parametrize("plays", [0, 1, 7])
@pytest.mark.parametrize("made", ["webp", "png"])
def test_it_plays_as_often(
    kind: str, plays: int, made: Format, frames: list[Image.Image], tmp_path: Path
) -> None:
    source = saved(tmp_path / f"a.{kind}", frames, plays)
    render("auto", LIMITS, source, [Target("b", made, width=30, animated=True)], tmp_path)
    with Image.open(tmp_path / f"b.{made}") as image:
        assert image.info["loop"] == plays


@pytest.mark.parametrize("plays", [0, 1, 7])
def test_an_avif_says_it_to_other_formats(
    plays: int, frames: list[Image.Image], tmp_path: Path
) -> None:
    source = saved(tmp_path / "a.webp", frames, plays)
    render("auto", LIMITS, source, [Target("b", "avif", animated=True)], tmp_path)
    render("auto", LIMITS, tmp_path / "b.avif", [Target("c", "webp", animated=True)], tmp_path)
    with Image.open(tmp_path / "c.webp") as image:
        assert image.info["loop"] == plays


def test_frames_that_look_the_same_are_one_in_png(tmp_path: Path) -> None:
    source = saved(tmp_path / "a.png", [drawn(0), drawn(20), drawn(20), drawn(40)])
    render("auto", LIMITS, source, [Target("b", "png", animated=True)], tmp_path)
    assert [milliseconds for _, milliseconds in shown(tmp_path / "b.png")] == [40, 270, 500]


@pytest.mark.parametrize(
    ("milliseconds", "made"),
    [
        (65_535, 65_535),
        (70_001, 70_000),
        (655_347, 655_350),
        (655_351, 655_000),
        (16_777_001, 16_777_000),
        (65_535_000, 65_535_000),
        (99_999_999, 65_535_000),
    ],
)
def test_a_png_shows_a_frame_for_about_as_long_as_it_can_say(
    milliseconds: int, made: int, frames: list[Image.Image], tmp_path: Path
) -> None:
    source = saved(tmp_path / "a.avif", frames, milliseconds=(40, milliseconds, 70, 500))
    render("pillow", LIMITS, source, [Target("b", "png", animated=True)], tmp_path)
    assert [found for _, found in shown(tmp_path / "b.png")] == [40, made, 70, 500]


def test_frames_that_look_the_same_are_two_in_png_where_it_cannot_say_how_long_they_are_one(
    tmp_path: Path,
) -> None:
    alike, times = [drawn(0), drawn(20), drawn(20), drawn(40)], (40, 65_535, 8, 500)
    source = saved(tmp_path / "a.avif", alike, milliseconds=times)
    render("pillow", LIMITS, source, [Target("b", "png", animated=True)], tmp_path)
    assert [found for _, found in shown(tmp_path / "b.png")] == list(times)


@sources
def test_the_first_frame_alone_is_a_plain_png(
    kind: str, frames: list[Image.Image], tmp_path: Path
) -> None:
    source = saved(tmp_path / f"a.{kind}", frames)
    render("auto", LIMITS, source, [Target("b", "png")], tmp_path)
    assert b"acTL" not in (tmp_path / "b.png").read_bytes()
    ((frame, _),) = shown(tmp_path / "b.png")
    assert frame.getchannel("A").tobytes() == frames[0].getchannel("A").tobytes()


FIRST_ALONE = '; `"animation": "first"` takes the first frame alone.'


@pytest.mark.parametrize("made", ["png", "webp", "avif"])
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(pixels=10**8, frames=3), "4 frames; 3 are allowed"),
        (Limits(pixels=9000), "more than 0.009 million pixels in its 4 frames"),
    ],
    ids=["frames", "pixels"],
)
def test_an_animation_that_is_too_much_is_refused_and_told_that_its_first_frame_is_not(
    limits: Limits, said: str, made: Format, frames: list[Image.Image], tmp_path: Path
) -> None:
    source = saved(tmp_path / "a.png", frames)
    with pytest.raises(SourceTooLarge, match=re.escape(said + FIRST_ALONE)):
        render("auto", limits, source, [Target("b", made, animated=True)], tmp_path)
    (first,) = render("auto", limits, source, [Target("c", made)], tmp_path)
    assert (first.width, first.height) == SIZE
