"""TIFF, which Pillow turns upright as it decodes it, unlike other formats."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.process.image.engine import Limits, Target
from services.process.image.select import EngineName, render
from services.process.image.source.header import header
from tests.unit.services.process.image.turned import UNDO

SIZE = (30, 20)
every_way = pytest.mark.parametrize("orientation", range(1, 9))


def quarters() -> Image.Image:
    """Four colours."""
    image = Image.new("RGB", SIZE, "red")
    image.paste("green", (15, 0, 30, 10))
    image.paste("blue", (0, 10, 15, 20))
    image.paste("white", (15, 10, 30, 20))
    return image


def saved(directory: Path, orientation: int, **options: Any) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = quarters().transpose(UNDO[orientation]) if orientation > 1 else quarters()
    stored.save(directory / "turned.tif", exif=exif, **options)
    return directory / "turned.tif"


@every_way
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])  # Pillow's decoder, and libtiff
@pytest.mark.parametrize("engine", ["auto", "pillow"])
def test_it_is_turned_once(
    engine: EngineName, compression: str, orientation: int, tmp_path: Path
) -> None:
    source = saved(tmp_path, orientation, compression=compression)
    wishes = [
        Target("whole", "png"),
        Target("part", "png", width=10, height=20, fit="cover", focus=(1.0, 0.5)),
    ]
    render(engine, Limits(pixels=10**6), source, wishes, tmp_path)
    with Image.open(tmp_path / "whole.png") as whole, Image.open(tmp_path / "part.png") as part:
        assert whole.convert("RGB").tobytes() == quarters().tobytes()
        assert part.convert("RGB").tobytes() == quarters().crop((20, 0, 30, 20)).tobytes()


@every_way
def test_its_size_is_told_upright(orientation: int, tmp_path: Path) -> None:
    told = header(saved(tmp_path, orientation), gps=False)
    assert (told["width"], told["height"], told["orientation"]) == (*SIZE, orientation)
