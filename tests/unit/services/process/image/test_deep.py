"""Pictures of more than 8 bits: right by their specification in numpy, or refused by name."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.process.image.engine import Limits, Target
from services.process.image.select import EngineName, render
from services.process.image.source.header import header
from shared.errors import UnsupportedMedia
from tests.unit.services.process.image.deep import (
    ASSOCIATED,
    BLACK_IS_ZERO,
    COLOURS,
    FLOATING,
    GREY,
    GREY_ALPHA,
    ICC_LAB,
    LAB,
    RGB,
    RGBA,
    SIGNED,
    UNASSOCIATED,
    WHITE_IS_ZERO,
    deep_png,
    lab_as_srgb,
    tiff,
)

WIDTH, HEIGHT = 64, 48
LIMITS = Limits(pixels=10**6)
KEY = (0x1234, 0x5678, 0x9ABC)
NEARLY = (0x1234, 0x5679, 0x9ABC)  # the same in 8 bits
EDGE = np.indices((HEIGHT, WIDTH)) / np.array([HEIGHT - 1, WIDTH - 1]).reshape(2, 1, 1)
RAMPS = np.stack([EDGE[1], EDGE[0], (EDGE[0] + EDGE[1]) / 2, 1 - EDGE[1]], -1)  # 0 to 1
DEEP = np.rint(RAMPS * 65535).astype(np.uint16)
in_both_orders = pytest.mark.parametrize("order", ["<", ">"])
both_engines = pytest.mark.parametrize("engine", ["auto", "pillow"])

Values = NDArray[Any]


def made(engine: EngineName, source: Path) -> tuple[str, Values]:
    """Who made it, and what: RGBA, 0 to 255."""
    (rendered,) = render(engine, LIMITS, source, [Target("made", "png")], source.parent)
    with Image.open(source.parent / "made.png") as image:
        return rendered.engine, np.asarray(image.convert("RGBA"), dtype=np.float64)


def is_right(shown: Values, samples: Values, allowed: float = 1.0) -> None:
    """Within a step of 8 bits, what is transparent aside.

    Args:
        samples: grey or RGB, perhaps with alpha; 0 to 1.
    """
    alpha = samples[..., -1] if samples.shape[-1] in (2, 4) else np.ones(samples.shape[:2])
    colours = samples[..., :1] if samples.shape[-1] < 3 else samples[..., :3]
    assert np.abs(shown[..., 3] - 255 * alpha).max() <= 1
    difference = np.abs(shown[..., :3] - 255 * colours) * alpha[..., None]
    assert difference.max() <= allowed
    assert difference.mean() < 0.7 * allowed


def keyed(samples: Values) -> Values:
    """With two squares: one of the transparent colour, and one that only 16 bits tell from it."""
    count = samples.shape[-1]
    samples = samples.copy()
    samples[10:20, 10:20] = KEY[-count:]
    samples[30:40, 30:40] = NEARLY[-count:] if count == 3 else KEY[-1] + 1
    return samples


# ── PNG ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "count"), [(GREY, 1), (RGB, 3)])
def test_a_transparent_colour_is_told_by_all_16_bits(kind: int, count: int, tmp_path: Path) -> None:
    samples = keyed(DEEP[..., :count])
    source = deep_png(tmp_path / "keyed.png", samples, kind, KEY[-count:])
    alpha = (samples != KEY[-count:]).any(-1, keepdims=True)
    is_right(made("auto", source)[1], np.concatenate([samples / 65535, alpha], -1))
    with pytest.raises(UnsupportedMedia, match="a PNG of 16 bits with a transparent colour"):
        made("pillow", source)


@both_engines
def test_a_transparent_colour_of_8_bits_is_transparent(engine: EngineName, tmp_path: Path) -> None:
    image = Image.new("L", (WIDTH, HEIGHT), 77)
    image.paste(5, (10, 10, 20, 20))
    image.save(tmp_path / "keyed.png", transparency=5)
    shown = made(engine, tmp_path / "keyed.png")[1]
    assert (shown[15, 15, 3], shown[30, 30, 3]) == (0, 255)


@both_engines
@pytest.mark.parametrize(
    ("kind", "channels"),
    [(GREY, [0]), (RGB, [0, 1, 2]), (GREY_ALPHA, [0, 1]), (RGBA, [0, 1, 2, 3])],
)
def test_png_of_16_bits(engine: EngineName, kind: int, channels: list[int], tmp_path: Path) -> None:
    source = deep_png(tmp_path / "deep.png", DEEP[..., channels], kind)
    truncated = engine == "pillow"
    is_right(made(engine, source)[1], RAMPS[..., channels], allowed=1.0 if truncated else 0.51)
    told = header(source, gps=False)
    grey, alpha = len(channels) < 3, len(channels) % 2 == 0
    assert told["colourSpace"] == ("grey" if grey else "rgb")
    assert (told["bitsPerChannel"], told["hasAlpha"]) == (16, alpha)


# ── TIFF ─────────────────────────────────────────────────────────────────────────────────────


@in_both_orders
@pytest.mark.parametrize(
    ("channels", "meaning", "alpha"),
    [
        ([0], BLACK_IS_ZERO, None),
        ([0, 1, 2], COLOURS, None),
        ([0, 1, 2, 3], COLOURS, UNASSOCIATED),
    ],
)
@both_engines
def test_tiff_of_16_bits(
    engine: EngineName,
    channels: list[int],
    meaning: int,
    alpha: int | None,
    order: str,
    tmp_path: Path,
) -> None:
    source = tiff(tmp_path / "a.tif", DEEP[..., channels], meaning, alpha=alpha, order=order)
    is_right(made(engine, source)[1], RAMPS[..., channels])
    assert header(source, gps=False)["bitsPerChannel"] == 16


@in_both_orders
@both_engines
def test_tiff_of_16_bits_whose_colours_are_multiplied_by_alpha(
    engine: EngineName, order: str, tmp_path: Path
) -> None:
    multiplied = np.concatenate([RAMPS[..., :3] * RAMPS[..., 3:], RAMPS[..., 3:]], -1)
    samples = np.rint(multiplied * 65535).astype(np.uint16)
    source = tiff(tmp_path / "a.tif", samples, COLOURS, alpha=ASSOCIATED, order=order)
    is_right(made(engine, source)[1], RAMPS, allowed=2.0)


@in_both_orders
@pytest.mark.parametrize(
    ("channels", "meaning", "alpha", "refusal"),
    [
        ([0, 1], BLACK_IS_ZERO, UNASSOCIATED, "grey, 2 samples of 16 bits in whole numbers"),
        ([0], WHITE_IS_ZERO, None, "a TIFF of 16 bits whose 0 is white|grey, 1 samples of 16"),
    ],
)
def test_grey_of_16_bits_that_pillow_does_not_know_is_libvips(
    channels: list[int], meaning: int, alpha: int | None, refusal: str, order: str, tmp_path: Path
) -> None:
    source = tiff(tmp_path / "a.tif", DEEP[..., channels], meaning, alpha=alpha, order=order)
    maker, shown = made("auto", source)
    assert maker.startswith("vips")
    is_right(shown, RAMPS[..., channels] if meaning == BLACK_IS_ZERO else 1 - RAMPS[..., :1])
    with pytest.raises(UnsupportedMedia, match=f"rare kind: .*({refusal})"):
        made("pillow", source)


@both_engines
def test_tiff_of_8_bits_whose_0_is_white(engine: EngineName, tmp_path: Path) -> None:
    samples = np.rint(RAMPS[..., :1] * 255).astype(np.uint8)
    source = tiff(tmp_path / "a.tif", samples, WHITE_IS_ZERO)
    is_right(made(engine, source)[1], 1 - RAMPS[..., :1])


@in_both_orders
@both_engines
def test_grey_tiff_of_floating_point(engine: EngineName, order: str, tmp_path: Path) -> None:
    samples = RAMPS[..., :1].astype(np.float32)
    source = tiff(tmp_path / "a.tif", samples, BLACK_IS_ZERO, FLOATING, order=order)
    is_right(made(engine, source)[1], RAMPS[..., :1])


@in_both_orders
@both_engines
def test_grey_tiff_of_16_bits_in_whole_numbers_of_32(
    engine: EngineName, order: str, tmp_path: Path
) -> None:
    """As Pillow and others write it."""
    samples = DEEP[..., :1].astype(np.int32)
    source = tiff(tmp_path / "a.tif", samples, BLACK_IS_ZERO, SIGNED, order=order)
    is_right(made(engine, source)[1], RAMPS[..., :1])


@both_engines
def test_lab_of_8_bits(engine: EngineName, tmp_path: Path) -> None:
    lab = RAMPS[..., :3] * (50, 20, 20) + (35, -10, -10)
    stored = np.rint(lab * (2.55, 1, 1))
    source = tiff(tmp_path / "a.tif", stored.astype(np.int16).astype(np.uint8), LAB)
    wanted = lab_as_srgb(stored / (2.55, 1, 1))
    assert 20 < wanted.min() < wanted.max() < 250
    is_right(made(engine, source)[1], wanted / 255, allowed=3.0)


WHOLE_32 = "(whole numbers beyond 16 bits|[a-zA-Z]+, . samples of 32 bits)"


@in_both_orders
@both_engines
@pytest.mark.parametrize(
    ("samples", "meaning", "numbers", "refusal"),
    [
        (RAMPS[..., :3].astype(np.float32), COLOURS, FLOATING, "RGB, 3 samples of 32 bits in flo"),
        (RAMPS[..., :1], BLACK_IS_ZERO, FLOATING, "grey, 1 samples of 64 bits in floating point"),
        ((RAMPS[..., :1] * 2**31).astype(np.uint32), BLACK_IS_ZERO, 1, WHOLE_32),
        ((RAMPS[..., :1] * 2**30).astype(np.int32), BLACK_IS_ZERO, SIGNED, WHOLE_32),
        ((RAMPS[..., :1] * 9 - 1).astype(np.int32), BLACK_IS_ZERO, SIGNED, WHOLE_32),
        ((RAMPS[..., :3] * 2**31).astype(np.uint32), COLOURS, 1, WHOLE_32),
        (DEEP[..., :3], COLOURS, SIGNED, "RGB, 3 samples of 16 bits in whole numbers with a sign"),
        (DEEP[..., :2], COLOURS + 3, 1, "other colours, 2 samples of 16 bits"),
        (DEEP[..., :3], LAB, 1, "Lab, 3 samples of 16 bits in whole numbers"),
        (DEEP[..., :3].astype(np.uint8), ICC_LAB, 1, "ICC's Lab, 3 samples of 8 bits"),
    ],
)
def test_tiff_whose_look_is_not_known_is_refused_by_name(
    engine: EngineName,
    samples: Values,
    meaning: int,
    numbers: int,
    refusal: str,
    order: str,
    tmp_path: Path,
) -> None:
    source = tiff(tmp_path / "a.tif", samples, meaning, numbers, order=order)
    with pytest.raises(UnsupportedMedia, match=f"rare kind: {refusal}"):
        made(engine, source)


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ("<", "RGB, 1 samples of 13 bits in floating point"),
        (">", "no picture in a known format"),  # Pillow does not know it at all
    ],
)
def test_big_tiff_is_refused_as_well(order: str, refusal: str, tmp_path: Path) -> None:
    tags = [(256, 8), (257, 8), (258, 13), (262, 2), (277, 1), (339, 3)]
    entries = b"".join(struct.pack(f"{order}HHQHxxxxxx", tag, 3, 1, value) for tag, value in tags)
    magic = b"II+\0" if order == "<" else b"MM\0+"
    head = magic + struct.pack(f"{order}HHQQ", 8, 0, 16, len(tags))
    (tmp_path / "big.tif").write_bytes(head + entries + bytes(8))
    engines: tuple[EngineName, ...] = ("auto", "pillow")
    for engine in engines:
        with pytest.raises(UnsupportedMedia, match=refusal):
            made(engine, tmp_path / "big.tif")


def test_tiff_without_a_directory_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0" + (1 << 20).to_bytes(4, "little") + bytes(64))
    with pytest.raises(UnsupportedMedia, match="no picture in a known format"):
        made("auto", tmp_path / "a.tif")
