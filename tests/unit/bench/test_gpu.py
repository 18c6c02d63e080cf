"""The benchmark of a GPU, run whole on the processor in a GPU's place."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.gpu import main
from bench.gpu_alone import FILES, Hardware
from bench.gpu_work import PIXELS
from services.process.image.gpu.device import Device
from shared.errors import EngineUnavailable
from tests.processor.device import Processor

pytestmark = [pytest.mark.usefixtures("processor"), pytest.mark.timeout(300)]


class ByPillow:
    """Decodes in nvImageCodec's place."""

    name = "pillow 1"

    def decode(self, files: Sequence[bytes]) -> list[NDArray[np.uint8] | None]:
        return [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]


class Failing(ByPillow):
    """Decodes nothing."""

    def decode(self, files: Sequence[bytes]) -> list[NDArray[np.uint8] | None]:
        raise RuntimeError("an illegal address")


def no_gpu() -> Device:
    raise EngineUnavailable("PROCESS_ENGINE: cuda: no GPU can be used here: none")


@pytest.fixture(autouse=True)
def logs_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger that has been used keeps what it was told, and other tests look at what it says."""
    monkeypatch.setattr("bench.gpu.configure_logs", lambda *_: None)


@pytest.fixture
def photos(examples: Path, tmp_path: Path) -> Path:
    """A folder of two: few pixels, but more in a row than two of the sizes have."""
    folder = tmp_path / "photos"
    folder.mkdir()
    with Image.open(examples / "mountains.jpg") as image:
        for name, size in (("large", (1100, 30)), ("small", (660, 40))):
            image.resize(size).save(folder / f"{name}.jpg")
    return folder


def rows(told: str) -> dict[str, list[str]]:
    """The table: by name, what follows."""
    lines = told.rsplit("GPU failed", 1)[1].splitlines()[1:]
    cells = (re.split(r"\s{2,}", line.strip()) for line in lines)
    return {name: others for name, *others in cells}


def test_all_take_part(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(photos), "--rounds", "1", "--batches", "1", "3"], Hardware(Processor, ByPillow))
    table = rows(capsys.readouterr().out)
    assert [*table] == [
        *("cuda 1", "cuda 3", "cuda 1, decoding", "cuda 3, decoding"),
        *("the GPU alone 1", "the GPU alone 3", "pillow", "vips"),
    ]
    for name, (rate, ratio, *others) in table.items():
        assert float(rate) > 0
        assert float(ratio) > 0
        expected = {"cuda": 5, "the ": 0, "pill": 4, "vips": 4}[name[:4]]
        assert len(others) == expected, (name, others)
    assert table["cuda 1"][3] == "1.0"
    assert 1 <= float(table["cuda 3"][3]) <= 3
    assert table["pillow"][1] == "1.00"


def test_what_the_gpu_failed_at_is_told(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(photos), "--rounds", "1", "--batches", "1"], Hardware(Processor, Failing))
    table = rows(told := capsys.readouterr().out)
    assert re.fullmatch("[1-9][0-9]* photos", table["cuda 1, decoding"][-1])
    assert "the GPU alone 1" not in table
    assert "the GPU alone 1      left out: RuntimeError: an illegal address" in told


def test_without_a_gpu_there_is_one_sentence_and_no_success(photos: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(photos)], Hardware(no_gpu, ByPillow))
    assert ended.value.code == (
        "There is nothing to measure: PROCESS_ENGINE: cuda: no GPU can be used here: none"
    )


def test_the_pictures_are_those_of_the_files_and_each_is_there_once() -> None:
    assert [one.name for one in PIXELS] == ["w640", "w1024", "w1920", "blur"]
    assert {one.file for one in FILES} == {
        *("w640.webp", "w640.avif", "w1024.webp", "w1024.avif", "w1920.webp", "w1920.avif"),
        "blur.webp",
    }
    looks = {(one.name, one.width, one.height, one.fit, one.blur) for one in FILES}
    assert {(one.name, one.width, one.height, one.fit, one.blur) for one in PIXELS} == looks
