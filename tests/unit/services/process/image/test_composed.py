"""What animations show: every frame as its format's specification puts it together."""

import itertools
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from services.process.image.engine import Limits, Target
from services.process.image.select import EngineName, render
from shared.errors import Reject, SourceTooLarge
from tests.unit.services.process.image.made import (
    SCREEN,
    TRANSPARENT,
    Part,
    apng,
    gif,
    indexed,
    shaded,
)  # fmt: skip
from tests.unit.services.process.image.moving import Canvas, all_frames, differs, unlike

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 40), (30, 40, 220)
engines = pytest.mark.parametrize("engine", ["auto", "pillow"])
LIMITS = Limits(pixels=10**6)


def shows_the_same(engine: EngineName, source: Path, directory: Path) -> None:
    """All frames of an animation, and the first one alone."""
    wanted = unlike(all_frames(source))
    targets = [Target("all", "png", animated=True), Target("one", "png")]
    for target in targets:  # each by itself, for the engine of the first need not be the other's
        render(engine, LIMITS, source, [target], directory)
    made = all_frames(directory / "all.png")
    assert len(made) == len(wanted)
    assert max(map(differs, made, wanted)) <= 2
    assert differs(pixels(directory / "one.png"), wanted[0]) <= 1


def pixels(still: Path) -> Canvas:
    with Image.open(still) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.float64)


def layered(disposal: int, over: bool) -> list[Part]:
    """A ground, two parts that overlap, and a third beside them."""
    return [
        Part(shaded(SCREEN, RED), (0, 0), 0),
        Part(shaded((6, 4), GREEN), (2, 1), disposal, over),
        Part(shaded((6, 4), BLUE), (5, 3), disposal, over),
        Part(shaded((3, 3), GREEN), (0, 5), 0, over),
    ]


@engines
@pytest.mark.parametrize("over", [False, True], ids=["source", "over"])
@pytest.mark.parametrize("disposal", [0, 1, 2], ids=["none", "background", "previous"])
def test_png(engine: EngineName, disposal: int, over: bool, tmp_path: Path) -> None:
    shows_the_same(engine, apng(tmp_path / "a.png", layered(disposal, over)), tmp_path)


@engines
@pytest.mark.parametrize("disposal", [0, 1, 2])
def test_png_whose_first_frame_is_disposed_of(
    engine: EngineName, disposal: int, tmp_path: Path
) -> None:
    first, *others = layered(2, over=True)
    source = apng(tmp_path / "a.png", [Part(first.image, (0, 0), disposal), *others])
    shows_the_same(engine, source, tmp_path)


@engines
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "I;16"])
def test_png_of_every_kind(engine: EngineName, mode: str, tmp_path: Path) -> None:
    ground = Image.linear_gradient("L").resize(SCREEN)
    small = Image.linear_gradient("L").rotate(90).resize((5, 4))
    if mode == "I;16":
        images = [
            Image.fromarray(np.asarray(image).astype(np.uint16) * 257) for image in (ground, small)
        ]
    else:
        images = [image.convert(mode) for image in (ground, small)]
    if mode == "P":
        for image in images:
            image.info["transparency"] = bytes(range(256))
    parts = [
        Part(images[0], (0, 0), 0),
        Part(images[1], (1, 2), 2),
        Part(images[1], (6, 3), 1),
        Part(images[1], (4, 4), 0),
    ]
    shows_the_same(engine, apng(tmp_path / "a.png", parts), tmp_path)


@engines
def test_png_with_a_picture_for_old_viewers_begins_with_its_first_frame(
    engine: EngineName, tmp_path: Path
) -> None:
    old = Image.new("RGBA", SCREEN, "white")
    source = apng(tmp_path / "a.png", layered(0, over=True), before=old)
    shows_the_same(engine, source, tmp_path)
    alone = apng(tmp_path / "b.png", layered(0, over=True)[:1], before=old)
    render(engine, LIMITS, alone, [Target("alone", "png")], tmp_path)
    assert differs(pixels(tmp_path / "alone.png"), all_frames(alone)[0]) <= 1


@engines
@pytest.mark.parametrize("transparent", [None, TRANSPARENT])
@pytest.mark.parametrize("disposals", [*itertools.product([0, 1, 2, 3], [0, 2, 3])])
def test_gif(
    engine: EngineName, disposals: tuple[int, int], transparent: int | None, tmp_path: Path
) -> None:
    hole = transparent is not None
    parts = [
        Part(indexed((9, 7), 0, hole), (1, 0), disposals[0]),
        Part(indexed((6, 4), 1, hole), (2, 1), disposals[1]),
        Part(indexed((4, 4), 2, hole), (5, 3), disposals[0]),
        Part(indexed((3, 3), 1, hole), (0, 5), 0),
    ]
    shows_the_same(engine, gif(tmp_path / "a.gif", parts, transparent), tmp_path)


@engines
def test_gif_whose_frame_sticks_out(engine: EngineName, tmp_path: Path) -> None:
    whole = Part(indexed(SCREEN, 0), (0, 0), 0)
    parts = [
        whole,
        Part(indexed((6, 6), 1), (9, 5), 0),
        Part(indexed((2, 2), 2), (40, 3), 0),
        whole,
    ]
    shows_the_same(engine, gif(tmp_path / "a.gif", parts), tmp_path)


@engines
def test_webp(engine: EngineName, tmp_path: Path) -> None:
    first, *others = [shaded(SCREEN, colour) for colour in (RED, GREEN, BLUE)]
    source = tmp_path / "a.webp"
    first.save(source, save_all=True, append_images=others, lossless=True, exact=True, duration=70)
    shows_the_same(engine, source, tmp_path)


@pytest.mark.parametrize("over", [False, True], ids=["source", "over"])
@pytest.mark.parametrize("disposal", [0, 1, 2], ids=["none", "background", "previous"])
def test_reference_agrees_with_ffmpeg(disposal: int, over: bool, tmp_path: Path) -> None:
    source = apng(tmp_path / "a.png", layered(disposal, over))
    with av.open(str(source), format="apng") as container:
        shown: list[Canvas] = [
            frame.to_ndarray(format="rgba").astype(np.float64)
            for frame in container.decode(container.streams.video[0])
        ]
    wanted = all_frames(source)
    assert len(shown) == len(wanted)
    assert max(map(differs, shown, wanted)) <= 2


def hostile(directory: Path) -> Path:
    small = Part(indexed((4, 4), 1), (0, 0), 0)
    source = gif(directory / "a.gif", [small, small])
    data = source.read_bytes()
    at = data.rindex(b",\0\0\0\0\x04\0\x04\0")
    source.write_bytes(data[: at + 5] + b"\xff\xff\xff\xff" + data[at + 9 :])
    return source


@engines
def test_gif_with_a_huge_frame_is_refused(engine: EngineName, tmp_path: Path) -> None:
    with pytest.raises(SourceTooLarge, match="more than 1 million pixels"):
        render(engine, LIMITS, hostile(tmp_path), [Target("b", "png", animated=True)], tmp_path)


@pytest.mark.parametrize("kind", ["gif", "png"])
def test_what_is_cut_short_anywhere_is_shown_or_refused(kind: str, tmp_path: Path) -> None:
    parts = [Part(indexed((4, 4), 1), (0, 0), 0), Part(indexed((3, 3), 2), (1, 1), 2)]
    whole = gif(tmp_path / "whole.gif", parts)
    if kind == "png":
        whole = apng(tmp_path / "whole.png", layered(2, over=True)[:2])
    data, part = whole.read_bytes(), tmp_path / f"part.{kind}"
    for end in range(8, len(data)):
        part.write_bytes(data[:end])
        out = tmp_path / str(end)
        out.mkdir()
        with suppress(Reject):
            render("pillow", LIMITS, part, [Target("b", "png", animated=True), Target("c")], out)


@engines
def test_png_that_only_claims_to_move_shows_its_picture(engine: EngineName, tmp_path: Path) -> None:
    old = Image.new("RGBA", SCREEN, BLUE)
    source = apng(tmp_path / "a.png", layered(0, over=True)[:1], before=old)
    data = source.read_bytes()
    source.write_bytes(data[: data.index(b"fcTL") - 4] + data[-12:])
    render(engine, LIMITS, source, [Target("b", "png", animated=True)], tmp_path)
    assert differs(pixels(tmp_path / "b.png"), np.asarray(old, dtype=np.float64)) == 0
