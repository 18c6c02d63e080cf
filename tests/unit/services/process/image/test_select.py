"""Which engine is taken."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from millrace.settings import BadSetting, read
from services.process.image import select
from services.process.image.engine import Engine, Limits, Target
from services.process.image.look import Watermark
from services.process.image.select import EngineName, chosen, engine, render, warm
from services.process.settings import ProcessSettings
from shared.errors import CorruptMedia, EngineUnavailable, InvalidJob, UnsupportedMedia

LIMITS = Limits(pixels=1_000_000)


@pytest.mark.parametrize(("name", "library"), [("vips", "vips 8"), ("pillow", "pillow 1")])
def test_engine_by_name(name: EngineName, library: str) -> None:
    assert engine(name, LIMITS).name.startswith(library)


@pytest.mark.parametrize("name", ["auto", "vips", "pillow", "cuda"])
def test_every_engine_can_be_asked_for(name: EngineName) -> None:
    assert read(ProcessSettings, process_engine=name).process_engine == name


def test_an_engine_that_there_is_not_ends_the_start() -> None:
    with pytest.raises(BadSetting, match=r"PROCESS_ENGINE: .*'auto', 'vips', 'pillow' or 'cuda'"):
        read(ProcessSettings, process_engine="sharp")


@pytest.mark.parametrize("missing", [ImportError("no pyvips"), OSError("no libvips.so")])
def test_without_libvips_pillow_does_all_unless_libvips_is_named(
    missing: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vips(limits: Limits) -> Engine:
        raise missing

    engine.cache_clear()
    monkeypatch.setattr(select, "_vips", vips)
    assert engine("auto", LIMITS).name.startswith("pillow")
    with pytest.raises(EngineUnavailable, match=f"PROCESS_ENGINE: libvips is not there: {missing}"):
        engine("vips", LIMITS)
    engine.cache_clear()


def test_a_warm_child_loads_nothing_for_its_first_picture() -> None:
    engine.cache_clear()
    warm("pillow", LIMITS)
    loaded = engine.cache_info().misses
    engine("pillow", LIMITS)
    assert engine.cache_info().misses == loaded == 1


def test_auto_is_libvips_where_it_is_and_never_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen("auto") == (
        "vips",
        "auto takes libvips where it is, and the GPU only if it is named: cuda",
    )
    assert chosen("cuda") == ("cuda", "PROCESS_ENGINE names it")
    monkeypatch.setattr("services.process.image.select.find_spec", lambda _: None)
    assert chosen("auto") == ("pillow", "libvips is not installed")


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


@pytest.mark.parametrize(("frames", "animated"), [(1, True), (2, False)])
def test_pillow_is_taken_for_animations_that_are_kept_alone(
    frames: int, animated: bool, tmp_path: Path
) -> None:
    first, *others = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")][:frames]
    first.save(tmp_path / "a.webp", save_all=True, append_images=others)
    wishes = [Target("b", animated=animated)]
    (made,) = render("auto", LIMITS, tmp_path / "a.webp", wishes, tmp_path)
    assert made.engine.startswith("vips")


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


def test_what_cannot_be_measured_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "services.process.image.encoding.ssimulacra2", None)
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    wishes = [Target("fixed"), Target("searched", width=10, least_score=60.0)]
    with pytest.raises(UnsupportedMedia, match="quality: 'auto' needs numpy"):
        render("auto", LIMITS, tmp_path / "a.png", wishes, tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.png"]


def test_a_watermark_that_cannot_be_read_is_told_in_one_sentence(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    (tmp_path / "logo.png").write_text("a text")
    wishes = [Target("plain"), Target("marked", width=20, watermark=Watermark("logo"))]
    limits = Limits(pixels=1_000_000, watermarks=tmp_path)
    with pytest.raises(InvalidJob, match=r"^watermark: image: logo\.png cannot be read"):
        render("auto", limits, tmp_path / "a.png", wishes, tmp_path)


DRAWING = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" width="20" height="10">
<rect width="20" height="10" fill="#1e28dc"/><image x:href="{}" width="20" height="10"/></svg>"""


PREFIXED = """<svg:svg xmlns:svg="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink"
 width="20" height="10"><svg:rect width="20" height="10" fill="#1e28dc"/>
<svg:image x:href="beside.png" width="20" height="10"/></svg:svg>"""
UNSEEN = (
    PREFIXED.replace("svg:", "s:").replace(":svg=", ":s=").replace("<s:", "<!-- <svg. --><s:", 1)
)


def drawn(tmp_path: Path, *, svg: bool = False, text: str = DRAWING) -> Image.Image:
    Image.new("RGB", (20, 10), "red").save(tmp_path / "beside.png")
    source = tmp_path / "a.svg"
    source.write_text(text.format((tmp_path / "beside.png").as_uri()))
    wanted = Target("b", "png", width=200)
    render("auto", Limits(pixels=10**7, svg=svg), source, [wanted], tmp_path)
    with Image.open(tmp_path / "b.png") as image:
        return image.convert("RGB")


def test_drawings_are_refused_unless_they_are_switched_on(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMedia, match=r"SVG drawings are not opened here \(PROCESS_SVG\)"):
        drawn(tmp_path)


def told_of(text: str, tmp_path: Path) -> str:
    """What comes of the drawing where drawings are opened: its size and colour, or the refusal."""
    code = (
        "import sys; from pathlib import Path;"
        "from shared.errors import MillraceError;"
        "from tests.unit.services.process.image.test_select import drawn\n"
        "try: image = drawn(Path(sys.argv[1]), svg=True, text=sys.argv[2])\n"
        "except MillraceError as error: print(error)\n"
        "else: print(image.size, image.getpixel((100, 50)))"
    )
    told = subprocess.run(  # libvips keeps what it may open for the life of a process
        [sys.executable, "-c", code, str(tmp_path), text],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


@pytest.mark.parametrize("text", [DRAWING, PREFIXED], ids=["plain", "prefixed"])
def test_drawing_is_drawn_large_and_loads_nothing_from_beside_it(text: str, tmp_path: Path) -> None:
    assert told_of(text, tmp_path) == "(200, 100) (30, 40, 220)"


def test_drawing_that_is_not_seen_to_be_one_is_refused(tmp_path: Path) -> None:
    assert told_of(UNSEEN, tmp_path).startswith("The file is no picture in a known format")
