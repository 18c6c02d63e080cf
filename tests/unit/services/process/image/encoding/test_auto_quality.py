"""`quality: "auto"`, on real files of every engine."""

import io
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ssimulacra2 import compute_ssimulacra2

from services.process.image import output
from services.process.image.encoding.auto_quality import Encode, lowest
from services.process.image.engine import Engine, Format, Limits, Target
from services.process.image.operations import PHOTOS
from services.process.image.pillow.engine import Pillow
from services.process.image.vips.engine import Vips
from services.process.plan import plan
from shared.errors import InvalidJob, UnsupportedMedia
from shared.jobs import Operation

AUTO = Target("auto", width=160, least_score=60.0)


@pytest.fixture(params=[Pillow, Vips])
def engine(request: pytest.FixtureRequest) -> Engine:
    made: Engine = request.param(Limits(pixels=100_000_000))
    return made


def score(engine: Engine, photo: Path, target: Target, directory: Path) -> float:
    """By the reference, against the same picture as PNG."""
    png = replace(target, format="png", name="reference", least_score=None)
    engine.render(photo, [target, png], directory)
    return float(compute_ssimulacra2(directory / png.file, directory / target.file))


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg"])
def test_reaches_the_target_and_not_much_more(
    engine: Engine, mountains: Path, kind: Format, tmp_path: Path
) -> None:
    found = score(engine, mountains, replace(AUTO, format=kind), tmp_path)
    assert 59.9 <= found < 66


def stripes(directory: Path) -> Path:
    """Red and blue lines of one pixel: what is left of no picture whose colours are halved."""
    rows = np.zeros((96, 96, 3), np.uint8)
    rows[::2, :, 0] = rows[1::2, :, 2] = 255
    rows[:, 48:] = np.random.default_rng(7).integers(0, 255, (96, 48, 3))
    Image.fromarray(rows).save(directory / "stripes.png")
    return directory / "stripes.png"


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg"])
def test_a_target_that_halved_colours_miss_is_reached_by_whole_ones(
    engine: Engine, kind: Format, tmp_path: Path
) -> None:
    source = stripes(tmp_path)
    # From 90 on, libvips writes JPEG with whole colours by itself.
    good = replace(AUTO, name="good", format=kind, width=None, quality=89, least_score=None)
    assert score(engine, source, good, tmp_path) < 60
    (tmp_path / "reference.png").unlink()
    wanted = replace(AUTO, format=kind, width=None)
    assert score(engine, source, wanted, tmp_path) >= 59.9


def test_the_score_that_was_reached_is_told(
    engine: Engine, mountains: Path, tmp_path: Path
) -> None:
    (made, fixed) = engine.render(mountains, [AUTO, Target("fixed", width=160)], tmp_path)
    assert made.score is not None
    assert 60 <= made.score < 66
    assert fixed.score is None


def test_the_best_is_taken_where_no_quality_is_enough(engine: Engine, tmp_path: Path) -> None:
    wanted = replace(AUTO, format="jpeg", width=None, least_score=95.0)
    (made,) = engine.render(stripes(tmp_path), [wanted], tmp_path)
    assert made.score is not None
    assert made.score < 95
    found = score(engine, tmp_path / "stripes.png", replace(wanted, name="again"), tmp_path)
    assert found == pytest.approx(made.score, abs=0.1)


def test_it_tries_no_more_than_fourteen_times() -> None:
    tries: list[Target] = []

    def encode(target: Target) -> bytes:
        tries.append(target)
        buffer = io.BytesIO()
        Image.effect_noise((64, 64), target.quality).save(buffer, "PNG")
        return buffer.getvalue()

    kinds: tuple[Format, ...] = ("webp", "avif", "jpeg", "jxl")
    for kind in kinds:
        tries.clear()
        lowest(Target("a", kind, least_score=95.0), encode)
        assert 0 < sum(target.format != "png" for target in tries) <= 14


def test_a_higher_target_takes_more_bytes(engine: Engine, mountains: Path, tmp_path: Path) -> None:
    wishes = [replace(AUTO, name=f"at{least}", least_score=least) for least in (40.0, 55.0, 70.0)]
    sizes = [made.size for made in engine.render(mountains, wishes, tmp_path)]
    assert sizes == sorted(set(sizes))


def fading(engine: Engine, photo: Path, directory: Path) -> Path:
    """The photo, 200 pixels wide, from clear on the left to opaque on the right."""
    engine.render(photo, [Target("small", "png", width=200)], directory)
    with Image.open(directory / "small.png") as small:
        image = small.convert("RGBA")
    ramp = np.linspace(0, 255, 200).astype(np.uint8)
    image.putalpha(Image.fromarray(np.tile(ramp, (150, 1))))
    image.save(directory / "fading.png")
    return directory / "fading.png"


def test_transparency_is_compared_too(engine: Engine, mountains: Path, tmp_path: Path) -> None:
    source = fading(engine, mountains, tmp_path)
    (made,) = engine.render(source, [AUTO], tmp_path)
    assert made.size < source.stat().st_size
    with Image.open(tmp_path / "auto.webp") as image:
        assert image.mode == "RGBA"


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
def test_transparency_is_compared_on_the_ground_that_it_is_laid_on(
    engine: Engine, mountains: Path, tmp_path: Path, kind: Format
) -> None:
    """As many bytes as the same picture takes that never was transparent."""
    source, laid = fading(engine, mountains, tmp_path), tmp_path / "laid.png"
    with Image.open(source) as image:
        Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).save(laid)
    target = replace(AUTO, format=kind, background=None if kind == "jpeg" else (255, 255, 255))
    (clear,) = engine.render(source, [target], tmp_path)
    (opaque,) = engine.render(laid, [replace(target, name="opaque")], tmp_path)
    (most,) = engine.render(
        laid, [replace(target, name="most", quality=95, least_score=None)], tmp_path
    )
    assert clear.size == pytest.approx(opaque.size, rel=0.1)
    assert clear.size < most.size / 2


def test_one_output_at_a_time_is_searched(
    mountains: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes much memory, and as many threads as there are idle children would add up."""
    searched: list[int] = []
    under_way: set[str] = set()

    def at_once(target: Target, encode: Encode) -> tuple[Target, float]:
        under_way.add(target.name)
        time.sleep(0.05)  # for others to come in, if they can
        searched.append(len(under_way))
        under_way.remove(target.name)
        return target, 60.0

    monkeypatch.setattr(output, "lowest", at_once)
    wishes = [replace(AUTO, name=f"a{width}", width=width) for width in range(100, 104)]
    Vips(Limits(pixels=10**8)).render(mountains, wishes, tmp_path, threads=4)
    assert searched == [1, 1, 1, 1]


def test_without_numpy_the_job_is_told(
    engine: Engine, mountains: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "services.process.image.encoding.ssimulacra2", None)
    with pytest.raises(UnsupportedMedia, match="quality: 'auto' needs numpy"):
        engine.render(mountains, [AUTO], tmp_path)


def test_a_job_asks_for_it_by_name() -> None:
    operation = Operation.model_validate({"op": "convert", "quality": "auto", "target": 60})
    (recipe,) = plan((operation,), PHOTOS)
    (target,) = recipe.wishes()
    assert isinstance(target, Target)
    assert target.least_score == 60


@pytest.mark.parametrize("target", [29, 96])
def test_a_target_that_makes_no_sense_is_refused(target: int) -> None:
    operation = Operation.model_validate({"op": "convert", "quality": "auto", "target": target})
    with pytest.raises(InvalidJob, match="target: "):
        plan((operation,), PHOTOS)
