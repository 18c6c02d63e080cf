"""Which engine is taken."""

from pathlib import Path

import pytest
from PIL import Image

from services.process.image.engine import Limits, Target
from services.process.image.select import EngineName, engine, render
from shared.errors import CorruptMedia, UnsupportedMedia

LIMITS = Limits(pixels=1_000_000)


@pytest.mark.parametrize(("name", "library"), [("vips", "vips 8"), ("pillow", "pillow 1")])
def test_engine_by_name(name: EngineName, library: str) -> None:
    assert engine(name, LIMITS).name.startswith(library)


@pytest.mark.parametrize(
    ("kind", "library"), [("png", "vips"), ("bmp", "pillow"), ("tif", "pillow")]
)
def test_auto_takes_the_first_that_knows_the_format(
    kind: str, library: str, tmp_path: Path
) -> None:
    source = tmp_path / f"a.{kind}"
    Image.new("RGB", (30, 20)).save(source)
    (made,) = render("auto", LIMITS, source, [Target("b", width=10)], tmp_path)
    assert made.engine.startswith(library)


def test_auto_refuses_what_none_knows(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_text("a text")
    with pytest.raises(UnsupportedMedia, match="BMP"):
        render("auto", LIMITS, source, [Target("b")], tmp_path)


def test_auto_does_not_try_again_what_is_damaged(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.effect_noise((300, 200), 90).save(source)
    source.write_bytes(source.read_bytes()[:20_000])
    with pytest.raises(CorruptMedia):
        render("auto", LIMITS, source, [Target("b")], tmp_path)
    assert list(tmp_path.iterdir()) == [source]
