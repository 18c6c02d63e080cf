"""What presets of the operator's own take that is not on this machine is found at the start."""

import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from millrace.settings import BadSetting, read
from services.process.image import select
from services.process.image.pillow.codecs import load_codecs
from services.process.settings import PresetSettings, ProcessSettings

WITH_A_MARK = "{ op = 'watermark', image = 'logo', width = 300 }"
ON_PHOTO = f"[photo]\nshop = ['blur', {WITH_A_MARK}]"
ON_FILM = f"[film]\nshop = [{{ op = 'poster', operations = [{WITH_A_MARK}] }}]"
NO_MARK = "watermark: image: there is no 'logo' in WATERMARKS_DIR"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "presets.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where watermarks lie."""
    folder = tmp_path / "watermarks"
    folder.mkdir()
    return folder


def refusal(file: Path, **settings: Any) -> str:
    with pytest.raises(BadSetting) as refused:
        read(ProcessSettings, presets_file=file, **settings)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (ON_PHOTO, "preset 'shop' for a photo: operations.1 (watermark)"),
        (ON_FILM, "preset 'shop' for a film: operations.0 (poster)"),
    ],
)
def test_watermark_that_is_not_there_is_named(
    text: str, place: str, file: Path, folder: Path
) -> None:
    file.write_text(text)
    assert refusal(file, watermarks_dir=folder) == f"PRESETS_FILE: {file}: {place}: {NO_MARK}"
    assert "WATERMARKS_DIR is not set" in refusal(file)
    Image.new("RGBA", (8, 8)).save(folder / "logo.png")
    read(ProcessSettings, presets_file=file, watermarks_dir=folder)


def test_watermark_that_is_no_picture_is_named(file: Path, folder: Path) -> None:
    file.write_text(ON_PHOTO)
    (folder / "logo.png").write_text("a picture")
    assert "(watermark): watermark: image: logo.png cannot be read" in refusal(
        file, watermarks_dir=folder
    )


@pytest.mark.parametrize(
    "text",
    [
        "[photo]\nnew = [{ op = 'convert', formats = ['webp', 'jxl'] }]",
        "[film]\nnew = [{ op = 'poster', formats = ['jxl'] }]",
    ],
)
def test_format_without_a_codec_is_named(
    text: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(text)
    load_codecs()
    monkeypatch.delitem(Image.SAVE, "JXL", raising=False)
    select.engine.cache_clear()
    said = refusal(file, process_engine="pillow")
    assert "preset 'new' for a " in said
    assert "formats: no codec for jxl is installed here" in said
    select.engine.cache_clear()


def test_quality_that_cannot_be_searched_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("[photo]\nnew = [{ op = 'convert', quality = 'auto' }]")
    read(ProcessSettings, presets_file=file)
    monkeypatch.setitem(sys.modules, "services.process.image.encoding.ssimulacra2", None)
    assert "operations.0 (convert): quality: 'auto' needs numpy" in refusal(file)


def test_the_command_line_asks_nothing_of_its_own_machine(file: Path) -> None:
    file.write_text(ON_PHOTO)
    assert "shop" in read(PresetSettings, presets_file=file).catalogues.photos


@pytest.mark.parametrize("text", ["[film]\nmine = ['audio']", "[photo]\nmine = ['srcset']"])
def test_no_engine_is_loaded_for_presets_without_pictures(text: str, file: Path) -> None:
    file.write_text(text)
    select.engine.cache_clear()
    read(ProcessSettings, presets_file=file)
    assert select.engine.cache_info().misses == 0
